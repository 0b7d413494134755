"""Class names and numbers from labels as they were written."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Labels
from tuner.datasets.formats.csv_layout import is_number
from tuner.datasets.formats.csvs import whole_number
from tuner.datasets.formats.files import Entry
from tuner.errors import DataError, UsageError

Where = Callable[[int], str]
"""Names an item (from 0) in an error: "labels.csv, data row 3"."""


@dataclass(frozen=True)
class Classes:
    """Numbered classes.

    Attributes:
        names: by number.
        train: int32, of each training image.
        test: int32, of those test images whose class is among `names`.
        kept: which test images these are.
        notes: a sentence for each thing that was done to labels.
    """

    names: tuple[str, ...]
    train: Labels
    test: Labels
    kept: NDArray[np.intp]
    notes: tuple[str, ...] = ()


def name_classes(
    train: Sequence[str],
    test: Sequence[str] | None,
    where: Where,
    where_test: Where,
    spellings: str | None = None,
    *,
    folders: bool = False,
) -> Classes:
    """Numbers the classes of the training labels: by value where all are whole numbers, else by alphabet.

    `where` and `where_test` name an item in an error; `spellings` is `--spellings`, "merge" or "keep" labels
    such as `ant` and `Ant`, or 1 and 01; `folders` says that labels are folders, which are no fractions.

    Raises:
        DataError: numbers that are not whole, no label, or more classes than half the images.
        UsageError: labels of one split that may or may not be one class, or that name several.
    """
    plain = {text: _plain(text) for text in {*train, *(test or ())}}
    spelled = [plain[text] for text in train]
    spelled_test = [plain[text] for text in test or ()]
    for told, place in ((spelled, where), (spelled_test, where_test)):
        if "nan" in (lower := [text.lower() for text in told]):
            raise DataError(f"{place(lower.index('nan'))}: label 'nan', which is no label; expected a class")
    fractional = next((i for i, text in enumerate(spelled) if _is_fraction(text)), None)
    if fractional is not None and not folders and all(is_number(text) for text in set(spelled)):
        raise DataError(
            f"{where(fractional)}: label {spelled[fractional]!r}; expected a whole number or a name"
        )
    if len(set(spelled)) > max(2, len(train) // 2):
        what = "class folders" if folders else "different labels"
        asked = "this the right folder" if folders else "that the right column of labels"
        raise DataError(
            f"{len(set(spelled))} {what} for {len(train)} images, such as {spelled[0][:40]!r}\n"
            f"expected several images of each class: is {asked}?"
        )
    if spellings != "keep":
        _refuse_several({*spelled, *spelled_test})
    one, notes = _spellings(spelled, spelled_test, spellings)
    distinct = {one.get(text, text) for text in spelled}
    numeric = all(whole_number(text) is not None for text in distinct)
    names = tuple(sorted(distinct, key=lambda text: (float(text), text)) if numeric else sorted(distinct))
    number = {name: i for i, name in enumerate(names)}
    labels = np.array([number[one.get(text, text)] for text in spelled], np.int32)
    found = [number.get(one.get(text, text), -1) for text in spelled_test]
    kept = np.flatnonzero(np.array(found, np.int32) >= 0)
    if lost := Counter(text for text, label in zip(spelled_test, found, strict=True) if label < 0):
        shown = ", ".join(f"{text!r} {count:,}" for text, count in lost.most_common(3))
        if not len(kept):
            raise DataError(
                f"{where_test(0)}: label {spelled_test[0][:40]!r}; expected one that training images have"
            )
        notes.append(
            f"{lost.total():,} test images are of a class that no training image has ({shown}):"
            " they were left out and do not count in the accuracy"
        )
    return Classes(names, labels, np.array(found, np.int32)[kept], kept, tuple(notes))


def number_groups(
    train: Sequence[str], test: Sequence[str] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Numbers texts that name groups, over both splits; "" (group not known) becomes -1."""
    both = [*train, *(test or ())]
    ids = {text: i for i, text in enumerate(dict.fromkeys(text for text in both if text))}
    numbers = np.array([ids.get(text, -1) for text in both], np.int64)
    return numbers[: len(train)], None if test is None else numbers[len(train) :]


def _refuse_several(labels: set[str]) -> None:
    """Raises where a label is made of others, such as "cat|dog" beside "cat" and "dog"."""
    together = Counter(part for text in labels if "|" in text for part in {*text.split("|")})
    for text in sorted(labels):
        for sign in "|;, ":
            parts = [part.strip() for part in text.split(sign)]
            shared = sign == "|" and any(together[part] > 1 for part in parts)
            if len(parts) > 1 and (labels.issuperset(parts) or shared):
                raise UsageError(
                    f"the label {text[:60]!r} names several classes for one image\n"
                    "expected one class an image; --spellings keep takes it for a class of its own"
                )


def groups_by_name(entries: Sequence[Entry], options: DataOptions) -> list[str] | None:
    """The group in each file name by `--group-regex`: its first bracket, or the whole match; "" where none.

    Raises:
        UsageError: no regular expression, or it matches no name.
    """
    if options.group_regex is None:
        return None
    try:
        pattern = re.compile(options.group_regex)
    except re.error as error:
        raise UsageError(f"--group-regex {options.group_regex!r} is no regular expression: {error}") from None
    found = [pattern.search(entry.name) for entry in entries]
    if not any(found):
        raise UsageError(
            f"--group-regex {options.group_regex!r} matches none of {len(entries)} file names,"
            f" such as {entries[0].name!r}"
        )
    return [(match.group(1 if pattern.groups else 0) or "") if match else "" for match in found]


def _spellings(train: list[str], test: list[str], choice: str | None) -> tuple[dict[str, str], list[str]]:
    """Which spelling stands for which class, and a note on those that were joined.

    A spelling that only one split has stands for the one class of the other split that differs from it
    in case or leading zeros alone.
    """
    if choice == "keep":
        return {}, []
    ours = _by_key(train)
    for split, by_key in (("training", ours), ("test", _by_key(test))):
        twice = next((list(found) for found in by_key.values() if len(found) > 1), None)
        if twice and choice is None:
            counts = Counter(train if split == "training" else test)
            shown = ", ".join(f"{text!r} {counts[text]:,}" for text in twice)
            raise UsageError(
                f"{split} images have labels that may be one class or several: {shown}\n"
                "expected --spellings merge (one class) or --spellings keep (several)"
            )
    first = {key: next(iter(found)) for key, found in ours.items()}
    one = {text: first[key] for text in {*train, *test} if (key := _key(text)) in first}
    joined = {text: name for text, name in one.items() if text != name}
    notes = [
        f"labels {text!r} were taken for the class {name!r}, written otherwise"
        for text, name in sorted(joined.items())
    ]
    return one, notes


def _by_key(texts: Sequence[str]) -> dict[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for text in sorted(set(texts)):
        found.setdefault(_key(text), {})[text] = None
    return found


def _key(text: str) -> str:
    """The same for labels that differ in case, spaces, signs without a form or the spelling of a number."""
    number = whole_number(text)
    shown = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return str(number) if number is not None else " ".join(shown.casefold().split())


def _plain(text: str) -> str:
    """Accents in one spelling; whole numbers without their fraction: "3.0" as "3"."""
    text = unicodedata.normalize("NFC", text).strip()
    return (
        str(whole_number(text))
        if re.fullmatch(r"-?(0|[1-9]\d*)(\.0*)?", text) and whole_number(text) is not None
        else text
    )


def _is_fraction(text: str) -> bool:
    return is_number(text) and whole_number(text) is None
