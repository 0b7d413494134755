"""The meaning of the folders of image files: wrappers, splits, classes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.datasets.formats.split_words import are_splits, is_plain, split_of
from tuner.errors import DataError, UsageError

Dirs = tuple[str, ...]


@dataclass(frozen=True)
class Choices:
    """The options of the command line about folders: `--folders` and `--label-level`, or None."""

    folders: str | None = None
    level: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a file belongs: its split, and its class ("" where it lies in no class folder)."""

    split: str
    label: str


@dataclass(frozen=True)
class Tree:
    """How the folders of a data set are to be read.

    Attributes:
        wrapper: folders that all images share.
        splits: the split of each folder below it, where these are splits.
        inner: the split of each folder inside the class folders, where these are splits.
        wrappers: folders that all images of a split share, by the folder of the split.
        deep: whether the deepest folder names the class, not the first.
        joined: whether a class is named by all its folders, as the deepest are not unique.
    """

    wrapper: Dirs
    splits: dict[str, str]
    inner: dict[str, str]
    wrappers: dict[str, Dirs]
    deep: bool = False
    joined: bool = False

    def place(self, dirs: Dirs) -> Place | None:
        """Where a file in these folders belongs; None where that is outside splits and classes."""
        if dirs[: len(self.wrapper)] != self.wrapper:
            return None
        rest = dirs[len(self.wrapper) :]
        split = "train"
        if self.splits:
            if not rest or rest[0] not in self.splits:
                return None
            split, within = self.splits[rest[0]], self.wrappers.get(rest[0], ())
            rest = rest[1:]
            if within:
                rest = rest[len(within) :] if rest[: len(within)] == within else ()
        if self.inner and len(rest) > 1:
            if rest[1] not in self.inner:
                return None
            split, rest = self.inner[rest[1]], (rest[0], *rest[2:])
        if not rest:
            return Place(split, "")
        return Place(split, ("/".join(rest) if self.joined else rest[-1]) if self.deep else rest[0])


def read_tree(folders: Sequence[Dirs], root: Path, choices: Choices) -> Tree:
    """The meaning of the folders that images lie in, one item an image.

    Raises:
        UsageError: two readings are possible; both are told, and the option that chooses.
        DataError: no image lies in a folder.
    """
    inside = [dirs for dirs in folders if dirs]
    wrapper = _shared(inside)
    rest = [dirs[len(wrapper) :] for dirs in inside if dirs[: len(wrapper)] == wrapper]
    rest = [dirs for dirs in rest if dirs]
    if not rest:
        raise DataError(
            f"{root}: no image lies in a folder of its class\n"
            "expected <class>/*.png (or .jpg, …), train/<class>/… and test/<class>/…,"
            " --labels FILE or --label-regex"
        )
    names = list(dict.fromkeys(dirs[0] for dirs in rest))
    splits = {} if choices.folders == "classes" else _splits(names, rest, root, choices)
    wrappers: dict[str, Dirs] = {}
    below = rest
    if splits:
        for name in splits:
            wrappers[name] = _shared([dirs[1:] for dirs in rest if dirs[0] == name and len(dirs) > 1], name)
        below = [dirs[1 + len(wrappers[dirs[0]]) :] for dirs in rest if dirs[0] in splits]
    inner = {} if splits or choices.folders == "classes" else _inner(rest)
    if inner:
        below = [(dirs[0], *dirs[2:]) for dirs in rest if len(dirs) > 1]
    deep, joined = _level([dirs for dirs in below if dirs], root, choices)
    return Tree(wrapper, splits, inner, wrappers, deep, joined)


def nested_copy(names: Sequence[str]) -> str | None:
    """A folder that holds a second copy of the folders beside it, with files of the same names; or None."""
    by_first: dict[str, set[str]] = {}
    for name in names:
        first, _, rest = name.partition("/")
        if rest:
            by_first.setdefault(first, set()).add(rest)
    for first, inside in by_first.items():
        others = {f"{other}/{rest}" for other, rests in by_first.items() if other != first for rest in rests}
        if len(by_first) > 2 and len(others) > 1 and inside >= others:
            return first
    return None


def _shared(folders: Sequence[Dirs], like: str | None = None) -> Dirs:
    """The folders that all share above their classes.

    Args:
        folders: of each image.
        like: the split that they lie in; a folder inside it may have the name of a split as well.
    """
    shared: list[str] = []
    while folders and all(folders) and len({dirs[0] for dirs in folders}) == 1:
        name, rest = folders[0][0], [dirs[1:] for dirs in folders]
        same = like is not None and split_of(name) is not None and split_of(name) == split_of(like)
        if not any(rest) and not same:
            break
        second = list(dict.fromkeys(dirs[0] for dirs in rest if dirs))
        if like is None and split_of(name) and not (len(second) > 1 and are_splits(second)):
            break
        shared.append(name)
        folders = [dirs for dirs in rest if dirs] if any(rest) else []
    return tuple(shared)


def _splits(names: list[str], rest: Sequence[Dirs], root: Path, choices: Choices) -> dict[str, str]:
    """The split of each of the top folders, {} where these are classes."""
    found = {name: role for name in names if (role := split_of(name))}
    if not found or choices.folders == "splits":
        return found
    deep = {dirs[0] for dirs in rest if len(dirs) > 1}
    if are_splits(names) and (deep or len(names) == 1):
        return found
    plain = {name: role for name, role in found.items() if is_plain(name) or are_splits(list(found))}
    if len(set(plain.values())) > 1 and deep & set(plain):
        return plain
    if len(found) == 1 and not deep & set(found):
        return {}  # the train among buses and cars
    if len(found) > 1 or deep & set(found):
        counts = Counter(dirs[0] for dirs in rest)
        shown = ", ".join(f"{name!r} {counts[name]:,}" for name in found)
        where = "have class folders in them" if deep else "hold images and no class folders"
        raise UsageError(
            f"{root}: folders named like splits ({shown} images) {where}\n"
            f"as splits they need labels (--labels FILE, or --label-regex with the class in the file name);"
            f" as classes there are {len(names)} of them: --folders classes"
            + ("; or --folders splits" if deep else "")
        )
    return {}


def _inner(rest: Sequence[Dirs]) -> dict[str, str]:
    """The split of each folder inside the class folders: <class>/train, <class>/test."""
    second = list(dict.fromkeys(dirs[1] for dirs in rest if len(dirs) > 1))
    roles = {name: split_of(name) for name in second}
    if len(set(roles.values())) < 2 or not are_splits(second) or not all(len(dirs) > 1 for dirs in rest):
        return {}
    return {name: role for name, role in roles.items() if role}


def _level(below: Sequence[Dirs], root: Path, choices: Choices) -> tuple[bool, bool]:
    """Whether the deepest folder names the class, and whether only all of them together do."""
    inside = {dirs[1:] for dirs in below}
    leaves = {dirs[-1]: dirs for dirs in below}
    joined = len(leaves) < len(set(below))
    if choices.level == "leaf":
        return True, joined
    if len(inside) > 1 and choices.level is None:
        top = Counter(dirs[0] for dirs in below)
        leaf = Counter("/".join(dirs) if joined else dirs[-1] for dirs in below)
        raise UsageError(
            f"{root}: class folders have folders in them; which of them name the classes?\n"
            f"--label-level top: {_told(top)}\n--label-level leaf: {_told(leaf)}"
        )
    return False, False


def _told(counts: Counter[str]) -> str:
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(4))
    return f"{len(counts)} classes ({shown}{', …' if len(counts) > 4 else ''})"
