"""Folders (and archives) of images: one folder a class, or `train/`, `test/`, `valid/` with one each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.archives import ARCHIVE
from tuner.datasets.formats.by_content import may_be_images, not_an_image
from tuner.datasets.formats.files import Entry, Listing, Reader, is_archive, survey
from tuner.datasets.formats.label_names import labels_by_name
from tuner.datasets.formats.labelled import Labelled, read_labelled_pictures
from tuner.datasets.formats.split_words import are_splits, siblings, split_of
from tuner.datasets.formats.tree import Choices, Place, Tree, nested_copy, read_tree
from tuner.datasets.reading import Left
from tuner.errors import DataError, UsageError

_ADDED = "--test/"


@dataclass(frozen=True)
class FolderSource:
    """A folder or archive of images in class folders.

    Attributes:
        beside: where it is a training part, the folders or archives beside it that hold another split, with
            the name of that.
    """

    name: str
    root: Path
    beside: tuple[tuple[str, Path], ...] = ()
    summary: str = "your own folder of images"
    traits: Traits = Traits()
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """Every image in it, and in `--test`."""
        found = images_of(survey(self.root))[0]
        if options.test is not None:
            more = images_of(survey(options.test))[0]
            if not more:
                raise DataError(
                    f"no images in {options.test}; expected a folder with one folder for each class"
                )
            found += [replace(entry, name=_ADDED + entry.name) for entry in more]
        for _, path in self._others(options):
            more = images_of(survey(path, strict=False))[0]
            found += [replace(entry, name=_inside(path, entry.name)) for entry in more]
        return found

    def _others(self, options: DataOptions) -> list[tuple[str, Path]]:
        """The parts beside it, but for one that `--test` names."""
        test = options.test and options.test.absolute()
        return [(split, path) for split, path in self.beside if path.absolute() != test]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Decodes them."""
        main = sort_out(survey(self.root), self.root, options)
        labelled, left, labels, test = main.labelled, main.left, main.labels, main.test
        if options.test is not None:
            if any(item.split == "test" for item in labelled):
                raise UsageError(
                    f"--test {options.test} is given, but {self.root} has a test folder of its own"
                )
            added = sort_out(survey(options.test), options.test, options)
            own = [item for item in added.labelled if item.split == "test"] or added.labelled
            left += [
                *((why, _ADDED + name) for why, name in added.left),
                *(
                    (f"images of another split in {options.test}", _ADDED + item.entry.name)
                    for item in added.labelled
                    if item not in own
                ),
            ]
            labelled += [replace(item, split="test", name=_ADDED + item.entry.name) for item in own]
            test = f"--test {options.test}"
        for split, path in self._others(options):
            added_items, more_left = _part_beside(path, split, options, wanted=split != "test" or not test)
            labelled += added_items
            left += more_left
            if split == "test" and added_items:
                test = f"{path.name} beside it"
        raw = read_labelled_pictures(labelled, main.notes, options, progress, left)
        reading = replace(raw.reading, images=f"files in {self.root}", labels=labels, test=test)
        return replace(raw, reading=reading)


def parts_beside(path: Path) -> tuple[tuple[str, Path], ...]:
    """The folders or archives of other splits beside one that is named like a training split."""
    if split_of(_unpacked(path.absolute().name)) != "train":
        return ()
    found = ((split_of(name), other) for other, name in siblings(path, _unpacked))
    return tuple(
        (split, other)
        for split, other in found
        if split in {"test", "valid"} and (other.is_dir() if path.is_dir() else is_archive(other))
    )


def _unpacked(name: str) -> str:
    """The name of an archive as that of the folder in it."""
    return ARCHIVE.sub("", name)


def _inside(path: Path, name: str) -> str:
    """The name of a file in a part beside the one that was named."""
    return f"../{path.name}/{name}"


def _part_beside(
    path: Path, split: str, options: DataOptions, *, wanted: bool
) -> tuple[list[Labelled], list[Left]]:
    """The images of another split beside the training images; what cannot be used of it, or is not wanted."""
    listing = survey(path, strict=False)
    images, left = images_of(listing)
    why = f"images of {path.name} beside it"
    try:
        found = sort_out(listing, path, options) if wanted and images else None
    except (UsageError, DataError):
        found, why = None, f"{why}, in no class folders"
    if found is None:
        return [], [(reason, _inside(path, name)) for reason, name in left] + [
            (why, _inside(path, entry.name)) for entry in images
        ]
    return (
        [replace(item, split=split, name=_inside(path, item.entry.name)) for item in found.labelled],
        [(reason, _inside(path, name)) for reason, name in found.left],
    )


@dataclass(frozen=True)
class Sorted:
    """Images of a folder by split and class; what is left out; where labels and test split came from."""

    labelled: list[Labelled]
    left: list[Left]
    notes: list[str]
    labels: str
    test: str


def images_of(listing: Listing) -> tuple[list[Entry], list[Left]]:
    """The images among files, and the others, each with the reason."""
    images: list[Entry] = []
    left = list(listing.left)
    with Reader() as reader:
        for entry in listing.entries:
            if why := not_an_image(reader, entry):
                left.append((why, entry.name))
            else:
                images.append(entry)
    return images, left


def sort_out(listing: Listing, root: Path, options: DataOptions) -> Sorted:
    """Split and class of each image by the folders it lies in, or by its name with `--label-regex`.

    Raises:
        UsageError: two readings are possible.
        DataError: no images, no class folders, or a class of which no image can be used.
    """
    images, left = images_of(listing)
    if not images:
        raise DataError(
            f"no images in {root}\nexpected <class>/*.png (or .jpg, …), or train/<class>/… and test/<class>/…"
        )
    if copy := nested_copy([entry.name for entry in images]):
        left += [
            ("copies of the data set inside itself", entry.name)
            for entry in images
            if entry.name.startswith(f"{copy}/")
        ]
        images = [entry for entry in images if not entry.name.startswith(f"{copy}/")]
    if options.label_regex is not None:
        return _by_name(images, left, options)
    tree = read_tree(
        [_dirs(entry.name) for entry in images], root, Choices(options.folders, options.label_level)
    )
    labelled: list[Labelled] = []
    for entry in images:
        place = tree.place(_dirs(entry.name))
        if place and place.label:
            labelled.append(Labelled(entry, place.split, place.label))
        else:
            left.append((_why_left(place), entry.name))
    _refuse_lost_classes(listing, left, labelled, tree, root)
    bare = sum(why == _why_left(Place("test", "")) for why, _ in left)
    notes = [f"{bare:,} test images lie in no class folder, have no labels and were left out"] if bare else []
    return Sorted(labelled, left, notes, _labels_from(tree), _test_from(tree, labelled))


def _by_name(images: list[Entry], left: list[Left], options: DataOptions) -> Sorted:
    """Classes by `--label-regex`, splits by folders with names of splits."""
    assert options.label_regex is not None
    found = labels_by_name([entry.name for entry in images], options.label_regex)
    tops = list(dict.fromkeys(_dirs(entry.name)[0] for entry in images if _dirs(entry.name)))
    by_split = bool(tops) and are_splits(tops) and options.folders != "classes"
    labelled: list[Labelled] = []
    for entry, label in zip(images, found, strict=True):
        dirs = _dirs(entry.name)
        split = (split_of(dirs[0]) if by_split and dirs else None) or "train"
        if label:
            labelled.append(Labelled(entry, split, label))
        else:
            left.append((f"{split} images that --label-regex does not match", entry.name))
    test = "folders named like a test split" if any(item.split == "test" for item in labelled) else ""
    return Sorted(labelled, left, [], f"--label-regex {options.label_regex} in the file names", test)


def _dirs(name: str) -> tuple[str, ...]:
    return tuple(name.split("/")[:-1])


def _why_left(place: Place | None) -> str:
    if place is None:
        return "images outside the class folders"
    return f"{place.split} images in no class folder" + (", without labels" if place.split == "test" else "")


def _labels_from(tree: Tree) -> str:
    level = len(tree.wrapper) + (1 if tree.splits else 0)
    if tree.deep:
        return "the folder that each image lies in" + (", with those above it" if tree.joined else "")
    where = " inside the folder of each split" if tree.splits else ""
    return f"folders of level {level + 1}{where}"


def _test_from(tree: Tree, labelled: Sequence[Labelled]) -> str:
    if not any(item.split == "test" for item in labelled):
        return ""
    names = [name for name, split in {**tree.splits, **tree.inner}.items() if split == "test"]
    return f"folder {', '.join(names)}" + (" inside each class" if tree.inner else "")


def _refuse_lost_classes(
    listing: Listing, left: Sequence[Left], labelled: Sequence[Labelled], tree: Tree, root: Path
) -> None:
    """Raises where a folder beside the class folders has only files that cannot be used, or none."""
    there = {item.label for item in labelled}
    lost: dict[str, list[Left]] = {}
    for why, name in left:
        place = tree.place(_dirs(name))
        if place and place.label and place.label not in there and may_be_images(why):
            lost.setdefault(place.label, []).append((why, name))
    for folder in listing.empty:
        place = tree.place(tuple(folder.split("/")))
        if place and place.label and place.label not in there and place.label not in lost:
            raise DataError(
                f"{root}: the class folder {folder!r} is empty\nexpected images in it, or no such folder"
            )
    for label, files in lost.items():
        why, name = files[0]
        raise DataError(
            f"{root}: class {label!r} has no image that can be used: {len(files)} {why}, such as {name}\n"
            "expected PNG, JPEG, BMP, GIF, WebP, TIFF, AVIF, JPEG 2000, TGA or PPM files, or no such folder"
        )
