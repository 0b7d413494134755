"""Class names and numbers from labels as they were written."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import DataOptions, Labels
from tuner.datasets.formats.csv_layout import is_number
from tuner.datasets.formats.csvs import whole_number
from tuner.datasets.formats.files import Entry
from tuner.errors import DataError, UsageError

Where = Callable[[int], str]
"""Names an item (from 0) in an error: "labels.csv, data row 3"."""


def name_classes(
    train: Sequence[str], test: Sequence[str] | None, where: Where, where_test: Where
) -> tuple[tuple[str, ...], Labels, Labels | None]:
    """Numbers the classes of the training labels: by value where all are whole numbers, else by alphabet.

    Returns:
        Class names, and int32 labels of the training and test images.

    Raises:
        DataError: numbers that are not whole, more classes than half the images, or a test label that no
            training image has.
    """
    spelled = [_plain(text) for text in train]
    distinct = set(spelled)
    fractional = next((i for i, text in enumerate(spelled) if _is_fraction(text)), None)
    if fractional is not None and all(is_number(text) for text in distinct):
        raise DataError(
            f"{where(fractional)}: label {spelled[fractional]!r}; expected a whole number or a name"
        )
    if len(distinct) > max(2, len(train) // 2):
        raise DataError(
            f"{len(distinct)} different labels for {len(train)} images, such as {spelled[0][:40]!r}\n"
            "expected a few classes: is that the right column of labels?"
        )
    numeric = all(whole_number(text) is not None for text in distinct)
    names = tuple(sorted(distinct, key=int) if numeric else sorted(distinct))
    number = {name: i for i, name in enumerate(names)}
    labels = np.array([number[text] for text in spelled], np.int32)
    if test is None:
        return names, labels, None
    spelled_test = [_plain(text) for text in test]
    for i, text in enumerate(spelled_test):
        if text not in number:
            raise DataError(f"{where_test(i)}: label {text[:40]!r}; expected one that training images have")
    return names, labels, np.array([number[text] for text in spelled_test], np.int32)


def number_groups(
    train: Sequence[str], test: Sequence[str] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Numbers texts that name groups, over both splits; "" (group not known) becomes -1."""
    both = [*train, *(test or ())]
    ids = {text: i for i, text in enumerate(dict.fromkeys(text for text in both if text))}
    numbers = np.array([ids.get(text, -1) for text in both], np.int64)
    return numbers[: len(train)], None if test is None else numbers[len(train) :]


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


def _plain(text: str) -> str:
    """Whole numbers without their fraction: "3.0" as "3"."""
    number = whole_number(text)
    return text.strip() if number is None else str(number)


def _is_fraction(text: str) -> bool:
    return is_number(text) and whole_number(text) is None
