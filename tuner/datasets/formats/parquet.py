"""Parquet files of images, as the library `datasets` writes them: needs the extra `parquet`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.files import Entry, Listing, refusing
from tuner.datasets.formats.labelled import Labelled, read_labelled_pictures
from tuner.datasets.formats.labels import number_groups
from tuner.datasets.formats.roles import BESIDE, is_data
from tuner.datasets.formats.split_words import siblings, split_of
from tuner.datasets.reading import Left
from tuner.errors import DataError, UsageError
from tuner.registry import unknown

_LABELS = ("label", "labels", "class", "target", "category", "y", "fine_label", "digit", "letter")


@dataclass(frozen=True)
class ParquetSource:
    """Parquet files whose rows are images with labels; splits by the names of the files."""

    name: str
    root: Path
    parts: tuple[Entry, ...]
    left: tuple[Left, ...]
    summary: str = "your own Parquet files"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """All of them."""
        return list(self.parts)

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Decodes the images in their rows."""
        if options.test is not None or options.labels is not None:
            raise UsageError(
                "--test and --labels are not for Parquet files: put the files of both splits together"
            )
        tables = [_Table.of(entry, options) for entry in files]
        rows = [row for table in tables for row in table.rows]
        left = [*self.left, *(item for table in tables for item in table.left)]
        raw = read_labelled_pictures(
            [item for item, _ in rows], (), replace(options, group_column=None), progress, left
        )
        if options.group_column is not None:
            group = {item.name: told for item, told in rows}
            groups, test_groups = number_groups(
                [group[name] for name in raw.train_names or ()],
                None if raw.test_names is None else [group[name] for name in raw.test_names],
            )
            raw = replace(raw, train_groups=groups, test_groups=test_groups)
        test = ", ".join(table.entry.name for table in tables if table.split == "test")
        reading = replace(
            raw.reading,
            images=f"column {tables[0].image!r} of {', '.join(entry.name for entry in files[:4])}",
            labels=f"column {tables[0].label!r} of each file",
            test=test if raw.test_images is not None else "",
            used=len(files),
        )
        return replace(raw, reading=reading)


def parquet_source(name: str, path: Path, listing: Listing) -> ParquetSource | None:
    """The Parquet files among files; None where there are none, or none is whole and there is other data."""
    parts = tuple(e for e in listing.entries if e.base.endswith(".parquet") and not e.member)
    other = any(is_data(e) for e in listing.entries)
    if not parts or (other and not any(_is_whole(e.path) for e in parts)):
        return None
    rest = [("files that are no part of this layout", e.name) for e in listing.entries if e not in parts]
    others = _beside(path) if path.is_file() else []
    more = tuple(
        e for e in others if split_of(path.stem) == "train" and split_of(e.name) in {"test", "valid"}
    )
    rest += [(BESIDE, e.name) for e in others if e not in more]
    return ParquetSource(name, path, (*parts, *more), (*listing.left, *rest))


def _beside(path: Path) -> list[Entry]:
    """Parquet files beside the one that was named, whose names differ in the split or the number alone."""
    found = siblings(path, lambda name: Path(name).stem)
    return [Entry(o, o.name) for o, name in found if o.suffix == ".parquet" and split_of(name)]


def _is_whole(path: Path) -> bool:
    """Whether a file begins and ends as Parquet does."""
    with refusing(path), path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        return head == file.read(4) == b"PAR1"


@dataclass(frozen=True)
class _Table:
    """The labelled rows of one file, each with its group, and what is left out."""

    entry: Entry
    split: str
    image: str
    label: str
    rows: list[tuple[Labelled, str]]
    left: list[Left]

    @classmethod
    def of(cls, entry: Entry, options: DataOptions) -> "_Table":
        try:
            import pyarrow.parquet
        except ImportError:
            raise DataError(
                f"{entry} is Parquet, which needs the package pyarrow\n"
                "expected the extra parquet: pip install 'tune-images[parquet]'"
            ) from None
        folders = PurePosixPath(entry.name).parts
        split = next((role for part in reversed(folders) if (role := split_of(part))), "train")
        with refusing(entry), pyarrow.parquet.ParquetFile(entry.path) as file:
            schema = file.schema_arrow
            image = _image_column(schema, entry)
            label = _label_column(schema, entry, image, options.label_column)
            group = options.group_column
            if group is not None and group not in schema.names:
                raise UsageError(f"--group-column: {unknown('column', group, schema.names)} (in {entry})")
            table = file.read(list(dict.fromkeys([label, *([group] if group else [])])))
            there = file.read([image]).column(image).is_valid().to_pylist()
        names = _class_names(schema, label)
        labels = table.column(label).to_pylist()
        groups = [str(told) for told in table.column(group).to_pylist()] if group else [""] * len(labels)
        rows: list[tuple[Labelled, str]] = []
        left: list[Left] = []
        for i, told in enumerate(labels):
            where = f"{entry.name} row {i + 1}"
            if isinstance(told, list | dict):
                raise UsageError(
                    f"{entry}: column {label!r} holds several labels a row; expected one class an image"
                )
            if not there[i]:
                left.append((f"{split} rows without an image", where))
            elif told is None or (names and told == -1):
                left.append((f"{split} images without labels", where))
            else:
                text = names[told] if names and isinstance(told, int) and told < len(names) else str(told)
                rows.append(
                    (Labelled(Entry(entry.path, where, f"{image}:{i}"), split, text, where), groups[i])
                )
        return cls(entry, split, image, label, rows, left)


def _image_column(schema: Any, entry: Entry) -> str:
    import pyarrow as pa

    def holds_images(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return "bytes" in [field.name for field in kind]
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    found: list[str] = [field.name for field in schema if holds_images(field.type)]
    if not found:
        raise DataError(
            f"{entry}: no column of image files among {', '.join(schema.names[:6])}\n"
            "expected one; columns of pixels are read from CSV:"
            " pandas.read_parquet('FILE').to_csv('data.csv', index=False)"
        )
    return found[0]


def _label_column(schema: Any, entry: Entry, image: str, wanted: str | None) -> str:
    names: list[str] = [name for name in schema.names if name != image]
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"--label-column: {unknown('column', wanted, names)} (in {entry})")
        return wanted
    known = [name for kind in _LABELS for name in names if name.lower() == kind]
    if known or len(names) == 1:
        return (known or names)[0]
    raise UsageError(
        f"{entry}: cannot tell which column holds the labels\nexpected --label-column with its name"
    )


def _class_names(schema: Any, label: str) -> Sequence[str]:
    """Names of the classes, as `datasets` keeps them in the file; none where it does not."""
    try:
        facts = json.loads((schema.metadata or {})[b"huggingface"])
        return [str(name) for name in facts["info"]["features"][label]["names"]]
    except (KeyError, ValueError, TypeError):
        return ()
