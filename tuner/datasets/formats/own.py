"""Finds out what a user's own path holds."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tuner.datasets.base import DataOptions, Source
from tuner.datasets.formats.by_content import not_an_image
from tuner.datasets.formats.cifar import cifar_source
from tuner.datasets.formats.csv_layout import look
from tuner.datasets.formats.files import Entry, Listing, Reader, survey
from tuner.datasets.formats.folders import FolderSource, images_of, parts_beside
from tuner.datasets.formats.foreign import refuse_foreign
from tuner.datasets.formats.label_names import suggestion
from tuner.datasets.formats.listed import ListedSource, listed_share, lists_images
from tuner.datasets.formats.parquet import parquet_source
from tuner.datasets.formats.roles import by_roles
from tuner.datasets.formats.split_words import split_of
from tuner.datasets.reading import Left, counted
from tuner.errors import DataError, UsageError

_TABLES = (".csv", ".tsv", ".txt")


def own_source(path: Path, options: DataOptions) -> Source:
    """The source of what lies at `path`: images in folders, a list of images, or arrays.

    Raises:
        UsageError: an option does not fit what is there.
        DataError: nothing that could be read is there.
    """
    listing = survey(path)
    name = (
        re.sub(
            r"\.(gz|zip|tar(\.bz2|\.xz)?|tgz|tbz2|txz|csv|npz|h5|hdf5|mat|parquet)$",
            "",
            re.sub(r"\.gz$", "", path.resolve().name),
        )
        or "data"
    )
    for option in (options.labels, options.test):
        if option is not None and not option.exists():
            raise UsageError(f"no file or folder {str(option)!r}")
    images, others = images_of(listing)
    if images:
        if options.pixel_order is not None:
            raise UsageError("--pixel-order is for rows of pixel values, not for image files")
        return _pictures(name, path, listing, images, others, options)
    return _arrays(name, path, listing, options)


def _pictures(
    name: str,
    path: Path,
    listing: Listing,
    images: list[Entry],
    others: Sequence[Left],
    options: DataOptions,
) -> Source:
    if options.labels is not None:
        test = _only(options.test) if options.test else None
        return ListedSource(name, path, _only(options.labels), test)
    flat = _is_flat(images)
    if options.label_regex is None and options.folders is None and (flat or options.label_column is not None):
        tables = _tables(listing, images)
        if found := _lists_of_splits(tables):
            test = _only(options.test) if options.test else found.get("test")
            return ListedSource(name, path, found["train"], test, found.get("valid"))
        if len(tables) > 1:
            shown = ", ".join(table.name for table in tables)
            raise UsageError(
                f"{path}: several files list images with their labels: {shown}\n"
                "expected --labels with the one to be used (and --test with another one of test images)"
            )
    if options.label_column is not None:
        raise UsageError("--label-column is for CSV files; in image folders the folders name the classes")
    if flat and options.label_regex is None and options.folders is None:
        raise _no_classes(path, [entry.name for entry in images], others)
    return FolderSource(name, path, parts_beside(path))


def _no_classes(path: Path, names: list[str], others: Sequence[Left]) -> UsageError:
    """Images in no class folders: all in one, beside folders without any, or in folders named like splits."""
    folders = Counter(name.rpartition("/")[0] for name in names)
    shown = ", ".join(f"{folder or 'no folder'} {count:,}" for folder, count in folders.most_common(3))
    inside = counted((why, name) for why, name in others if "/" in name)
    if len(folders) == 1 and "" not in folders and inside:
        told = "; ".join(f"{item.count:,} {item.why}, such as {item.example}" for item in inside[:3])
        return UsageError(
            f"{path}: all {len(names):,} images lie in {next(iter(folders))}; in other folders: {told}\n"
            "expected image files in every class folder (PNG, JPEG, TIFF, …), --labels FILE or --label-regex"
        )
    as_classes = " or --folders classes for these as classes" if len(folders) > 1 else ""
    return UsageError(
        f"{path}: {len(names):,} images, such as {names[0]}, in no class folders ({shown})\n"
        f"expected <class>/*.png, train/<class>/…, --labels FILE, --label-regex for file names{as_classes}"
        + (f"\n{told}" if (told := suggestion(names)) else "")
    )


def _is_flat(images: Sequence[Entry]) -> bool:
    """Whether no folder of images can be a class: there are none, one, or only folders of splits."""
    folders = {entry.name.rpartition("/")[0] for entry in images}
    tops = [folder.split("/") for folder in folders]
    while tops and all(tops) and len({top[0] for top in tops}) == 1 and any(len(top) > 1 for top in tops):
        tops = [top[1:] or [""] for top in tops]
    names = {part for top in tops for part in top if part}
    return len(folders) == 1 or all(split_of(part) for part in names)


def _tables(listing: Listing, images: Sequence[Entry]) -> list[Entry]:
    """CSV files that list at least half of their rows' images, with labels beside them."""
    found: list[tuple[float, Entry]] = []
    with Reader() as reader:
        for entry in listing.entries:
            if not entry.base.endswith(_TABLES) or entry.member:
                continue
            try:
                layout = look(reader, entry)
                share = listed_share(reader, entry, images) if layout.columns > 1 else 0.0
            except DataError:
                continue
            if share >= 0.5:
                found.append((share, entry))
    return [entry for _, entry in found if not re.search(r"submission|sample", entry.base)]


def _lists_of_splits(tables: Sequence[Entry]) -> dict[str, Entry]:
    """Lists of images by the splits in their names, {} where a split has several; without one: "train"."""
    if len(tables) == 1:
        return {"train": tables[0]}
    found = {split_of(Path(entry.base).stem) or "train": entry for entry in tables}
    if len(found) < len(tables) or "train" not in found:
        return {}
    return {split: entry for split, entry in found.items() if _has_columns_of(found["train"], entry)}


def _has_columns_of(train: Entry, other: Entry) -> bool:
    """Whether a list of images has the columns of another, so that it has labels too."""
    with Reader() as reader:
        ours, theirs = look(reader, train), look(reader, other)
    return theirs.columns >= ours.columns and {*(ours.header or ())} <= {*(theirs.header or ())}


def _arrays(name: str, path: Path, listing: Listing, options: DataOptions) -> Source:
    for source_of in (cifar_source, parquet_source):
        if found := source_of(name, path, listing):
            return found
    refuse_foreign(path, listing.entries)
    source = by_roles(name, path, listing, options.test)
    if options.labels is not None:
        source = replace(source, train_labels=_only(options.labels))
    if options.test is not None:
        beside = options.labels or (source.train_labels and source.train_labels.path)
        labels = _labels_beside(options.test, beside) if beside else None
        left = (
            source.left
            if source.test is None
            else (*source.left, ("files that --test replaces", source.test.name))
        )
        source = replace(source, test=_only(options.test), test_labels=labels, left=left)
    given = {option.absolute() for option in (options.labels, options.test) if option}
    left = tuple(item for item in source.left if (path / item[1]).absolute() not in given)
    source = replace(source, left=left)
    if options.group_regex is not None and not _lists(source.train, options):
        raise UsageError("--group-regex reads names of image files; for arrays there is --group-column")
    if _lists(source.train, options):
        test, valid = (
            other if other and _has_columns_of(source.train, other) else None
            for other in (source.test, source.valid)
        )
        return ListedSource(name, path.parent, source.train, test, valid)
    return source


def _only(path: Path) -> Entry:
    """The one data file at a path that an option names."""
    with Reader() as reader:
        entries = [entry for entry in survey(path).entries if not_an_image(reader, entry)]
    if len(entries) != 1:
        raise UsageError(f"{path} holds {len(entries)} files; expected one data file")
    return entries[0]


def _labels_beside(test: Path, labels: Path) -> Entry:
    """The labels of the test images: named like those of the training images, with "test"."""
    suffixes = "".join(labels.suffixes)
    stem = labels.name.removesuffix(suffixes)
    names = [f"{stem}_test", f"test_{stem}", re.sub("train", "test", stem), stem.replace("train", "t10k")]
    for folder in (labels.parent, test.parent):
        for name in dict.fromkeys(names):
            candidate = folder / f"{name}{suffixes}"
            if name != stem and candidate.is_file():
                return _only(candidate)
    raise UsageError(f"no labels for --test {test}\nexpected {names[0]}{suffixes} beside {labels}")


def _lists(entry: Entry, options: DataOptions) -> bool:
    if options.labels is not None or not entry.base.endswith(_TABLES):
        return False
    with Reader() as reader:
        return lists_images(look(reader, entry))
