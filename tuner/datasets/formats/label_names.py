"""Classes that the names of files tell: `--label-regex`."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from tuner.errors import UsageError

_SUGGESTED = r"^([A-Za-z]+)"


def labels_by_name(names: Sequence[str], regex: str) -> list[str]:
    """The class in each file name (without its folders): the first bracket, or the whole match; "" if none.

    Raises:
        UsageError: no regular expression, or it matches no name.
    """
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise UsageError(f"--label-regex {regex!r} is no regular expression: {error}") from None
    found = [pattern.search(PurePosixPath(name).name) for name in names]
    if not any(found):
        raise UsageError(
            f"--label-regex {regex!r} matches none of {len(names)} file names, such as {names[0]!r}"
        )
    return [(match.group(1 if pattern.groups else 0) or "") if match else "" for match in found]


def suggestion(names: Sequence[str]) -> str:
    """A sentence on the classes that file names seem to tell ("cat.0.jpg"), or ""."""
    found = re.compile(_SUGGESTED)
    starts = [match.group(1) if (match := found.match(PurePosixPath(name).name)) else "" for name in names]
    counts = Counter(start for start in starts if start)
    if not 2 <= len(counts) <= max(2, len(names) // 4):
        return ""
    shown = ", ".join(f"{label} {count:,}" for label, count in counts.most_common(4))
    return f"--label-regex '{_SUGGESTED}' would give {len(counts)} classes: {shown}"
