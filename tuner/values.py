"""Reads the values of options, as people type them and as Python has them; messages name the option."""

import operator
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tuner.errors import UsageError

Reader = Callable[[str, Any], Any]
"""Of (the option as it is typed, a value): the value as the configuration has it."""

TIMES = "a time such as 90s, 30m, 2h or 1h30m"
_GROUPED = re.compile(r"[+-]?\d{1,3}([,_ \u00a0\u202f]\d{3})+")
_SCALES = {"k": 1e3, "m": 1e6, "g": 1e9}
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_TIME = re.compile(
    r"(?:(\d+(?:\.\d+)?) ?(?:h|hours?|hrs?))? ?(?:(\d+(?:\.\d+)?) ?(?:m|minutes?|mins?))? ?"
    r"(?:(\d+(?:\.\d+)?) ?(?:s|seconds?|secs?))?",
    re.IGNORECASE,
)


def whole(option: str, value: Any) -> int:
    """A whole number: `20`, `1,000`, `1e6`, `500k`."""
    found = _number(value)
    if found is None or found != found // 1:
        raise UsageError(f"{option} {_typed(value)}: expected a whole number")
    return int(found)


def real(option: str, value: Any) -> float:
    """A number."""
    found = _number(value)
    if found is None:
        raise UsageError(f"{option} {_typed(value)}: expected a number")
    return float(found)


def switch(option: str, value: Any) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False}
    found = words.get(str(value).strip().lower())
    if found is None:
        raise UsageError(f"{option} {_typed(value)}: expected True or False")
    return found


def seconds(option: str, value: Any) -> float:
    """Seconds of "90s", "30m", "2h" or "1h30m", or of their number where that is no text."""
    if isinstance(value, str):
        match = _TIME.fullmatch(" ".join(value.split()))
        given = match.groups() if match else ()
        found = sum(float(part) * unit for part, unit in zip(given, _UNITS.values(), strict=False) if part)
    else:
        found = _number(value) or 0.0
    if found <= 0:
        raise UsageError(f"{option} {_typed(value)}: expected {TIMES}")
    return found


def text(option: str, value: Any) -> str:
    """A text."""
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise UsageError(f"{option} {_typed(value)}: expected a text")


def path(option: str, value: Any) -> Path:
    """A path."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise UsageError(f"{option} {_typed(value)}: expected a path")
    return Path(value)


def texts(option: str, value: Any) -> tuple[str, ...]:
    """One text, or several."""
    several = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(several, Sequence):
        raise UsageError(f"{option} {_typed(value)}: expected a text, or several")
    return tuple(text(option, each) for each in several)


def names(option: str, value: Any) -> tuple[str, ...]:
    """Names, each once: with commas, or several."""
    parts = (part.strip() for each in texts(option, value) for part in each.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def image_shape(option: str, value: Any) -> tuple[int, int, int]:
    """(height, width, channels) of "28x28x1", "28x28", or these numbers."""
    parts = value.lower().split("x") if isinstance(value, str) else value
    sizes = [_number(part) for part in parts] if isinstance(parts, Sequence) else []
    right = len(sizes) in {2, 3} and all(size and size > 0 and size == size // 1 for size in sizes)
    if not right or (len(sizes) == 3 and sizes[2] not in {1, 3}):
        raise UsageError(
            f"{option} {_typed(value)}: expected HEIGHTxWIDTHxCHANNELS with 1 or 3 channels, as 28x28x1"
        )
    height, width, *channels = (int(size) for size in sizes if size)
    return (height, width, channels[0] if channels else 1)


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        try:
            return operator.index(value)
        except TypeError:
            return float(value) if hasattr(value, "__float__") else None
    typed = value.strip()
    if _GROUPED.fullmatch(typed):
        typed = re.sub(r"[^\d+-]", "", typed)
    scale = _SCALES.get(typed[-1:].lower(), 1)
    try:
        found = float(typed[:-1] if scale != 1 else typed) * scale
    except ValueError:
        return None
    return int(found) if found == found // 1 else found


def _typed(value: Any) -> str:
    """A number as it is, all else in quotes."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else repr(value)
