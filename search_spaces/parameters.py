"""The three kinds of parameter, and how each maps to the unit interval.

The maps draw exactly what Optuna's random sampler draws from its own distributions
(`optuna/_transform.py`: half a step on either side of a whole number, also in log), so that every
engine that chooses a number from 0 to 1 for each parameter searches the same distributions.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ParamValue = bool | int | float | str
Condition = tuple[str, tuple[ParamValue, ...]]
"""(name of another parameter, the values of it with which this one is used)"""

BELOW_ONE = math.nextafter(1.0, 0.0)


class SpaceError(ValueError):
    """A search space, or a value for one, that cannot be; the message is complete and plain."""


def number(value: ParamValue) -> str:
    """A value as a user would write it: `0.003`, `64`, `true`, `dense`."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    return f"{Decimal(f'{value:.6g}'):f}" if 1e-9 < abs(value) < 1e15 else f"{value:.6g}"


@dataclass(frozen=True)
class Int:
    """A whole number.

    Attributes:
        low, high: the range that is searched, both ends included.
        default: within low and high where it is searched, else within minimum and maximum.
        log: whether its logarithm is uniform; needs `low` at least 1.
        step: distance of the values searched; what is drawn from a logarithmic range is rounded to it.
        minimum, maximum: the range that `--set` may widen to; None for `low` and `high`.
        searched: False where it is fixed to its default until `--set` opens it.
        active_if: the condition under which it is used, None for always.
        summary: one line for `tune spaces` and the report.
    """

    low: int
    high: int
    default: int
    log: bool = False
    step: int = 1
    minimum: int | None = None
    maximum: int | None = None
    searched: bool = True
    active_if: Condition | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        _check(self)

    def cast(self, value: Any) -> int:
        """`value` as an int, or a ValueError that says what was expected."""
        plain = _plain(value)
        if isinstance(plain, bool) or not isinstance(plain, int | float) or plain != plain // 1:
            raise ValueError("expected a whole number")
        return int(_within(self, int(plain)))

    def read(self, text: str) -> int:
        """The same from what a user typed."""
        return self.cast(_number_from(text, "a whole number"))

    def clamp(self, value: float) -> int:
        """The nearest value that is searched."""
        index = round((value - self.low) / self.step)
        return self.low + min(max(index, 0), (self.high - self.low) // self.step) * self.step

    def from_unit(self, u: float) -> int:
        """The value at `u` of the unit interval, as Optuna's random sampler would."""
        if self.log:
            bottom, top = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return self.clamp(round(math.exp(bottom + u * (top - bottom))))
        bottom, top = self.low - 0.5 * self.step, self.high + 0.5 * self.step
        index = math.floor((bottom + u * (top - bottom) - self.low) / self.step + 0.5)
        value = index * self.step + self.low
        return min(max(value, self.low), self.high)

    def to_unit(self, value: ParamValue) -> float:
        """A `u` in [0, 1) that `from_unit` takes back to `value`."""
        if self.log:
            bottom, top = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return _unit((math.log(float(value)) - bottom) / (top - bottom))
        bottom, top = self.low - 0.5 * self.step, self.high + 0.5 * self.step
        return _unit((float(value) - bottom) / (top - bottom))


@dataclass(frozen=True)
class Float:
    """A real number; attributes as of `Int`, with `step` None for none, as in a logarithmic range."""

    low: float
    high: float
    default: float
    log: bool = False
    step: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    searched: bool = True
    active_if: Condition | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        _check(self)

    def cast(self, value: Any) -> float:
        """`value` as a float, or a ValueError that says what was expected."""
        plain = _plain(value)
        if isinstance(plain, bool) or not isinstance(plain, int | float) or not math.isfinite(plain):
            raise ValueError("expected a number")
        return float(_within(self, float(plain)))

    def read(self, text: str) -> float:
        """The same from what a user typed."""
        return self.cast(_number_from(text, "a number"))

    def clamp(self, value: float) -> float:
        """The nearest value that is searched."""
        inside = min(max(float(value), self.low), self.high)
        if self.step is None or _divides(self.step, inside - self.low):
            return inside
        return self._on_grid(inside)

    def _on_grid(self, value: float) -> float:
        assert self.step is not None
        snapped = round((value - self.low) / self.step) * self.step + self.low
        return min(max(snapped, self.low), self.high)

    def from_unit(self, u: float) -> float:
        """The value at `u` of the unit interval, as Optuna's random sampler would."""
        if self.low == self.high:
            return float(self.low)
        below_high = math.nextafter(self.high, self.high - 1)
        if self.log:
            bottom, top = math.log(self.low), math.log(self.high)
            return min(max(math.exp(bottom + u * (top - bottom)), self.low), below_high)
        if self.step is not None:
            bottom, top = self.low - 0.5 * self.step, self.high + 0.5 * self.step
            return self._on_grid(bottom + u * (top - bottom))
        return min(self.low + u * (self.high - self.low), below_high)

    def to_unit(self, value: ParamValue) -> float:
        """A `u` in [0, 1) that `from_unit` takes back to `value`, but for rounding."""
        if self.low == self.high:
            return 0.5
        if self.log:
            bottom, top = math.log(self.low), math.log(self.high)
            return _unit((math.log(float(value)) - bottom) / (top - bottom))
        half = 0.5 * (self.step or 0.0)
        return _unit((float(value) - self.low + half) / (self.high - self.low + 2 * half))


@dataclass(frozen=True)
class Categorical:
    """One of several values; attributes as of `Int`."""

    choices: tuple[ParamValue, ...]
    default: ParamValue
    searched: bool = True
    active_if: Condition | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        if not self.choices or len(set(map(repr, self.choices))) < len(self.choices):
            raise SpaceError(f"choices {self.choices!r}: expected at least one, and none twice")
        if not any(_same(self.default, choice) for choice in self.choices):
            raise SpaceError(f"default {self.default!r} is not one of the choices {self.choices!r}")

    def cast(self, value: Any) -> ParamValue:
        """The choice that equals `value` (0 and 1 stand for false and true), or a ValueError."""
        plain = _plain(value)
        for same in (_same, _equal):
            for choice in self.choices:
                if same(plain, choice):
                    return choice
        raise ValueError("expected one of " + ", ".join(map(number, self.choices)))

    def read(self, text: str) -> ParamValue:
        """The choice that a user typed; true, yes and on are the same."""
        for choice in self.choices:
            if text.strip() == str(choice):
                return choice
            if isinstance(choice, bool) and text.strip().lower() in _WORDS[choice]:
                return choice
            if not isinstance(choice, bool | str) and _number_or_none(text) == choice:
                return choice
        raise ValueError("expected one of " + ", ".join(map(number, self.choices)))

    def clamp(self, value: ParamValue) -> ParamValue:
        """`value` where it is a choice, else the first choice."""
        try:
            return self.cast(value)
        except ValueError:
            return self.choices[0]

    def from_unit(self, u: float) -> ParamValue:
        """The choice at `u` of the unit interval, all with the same probability."""
        return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]

    def to_unit(self, value: ParamValue) -> float:
        """The middle of the part of the unit interval that is `value`."""
        index = self.choices.index(self.cast(value))
        return (index + 0.5) / len(self.choices)


Parameter = Int | Float | Categorical

_WORDS = {True: ("true", "yes", "on", "1"), False: ("false", "no", "off", "0")}


def _same(value: Any, choice: ParamValue) -> bool:
    return type(value) is type(choice) and bool(value == choice)


def _equal(value: Any, choice: ParamValue) -> bool:
    """Also across number types: engines hand back 1 for true and 3.0 for 3."""
    return bool(value == choice)


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own type; anything else as it is."""
    return value.item() if hasattr(value, "item") and not isinstance(value, str) else value


def _number_or_none(text: str) -> float | int | None:
    for kind in (int, float):
        try:
            value = kind(text.strip().replace("_", ""))
        except ValueError:
            continue
        return value if math.isfinite(value) else None
    return None


def _number_from(text: str, expected: str) -> float | int:
    value = _number_or_none(text)
    if value is None:
        raise ValueError(f"expected {expected}")
    return value


def legal_range(parameter: Int | Float) -> tuple[float, float]:
    """(lowest, highest) value that may be set."""
    lowest = parameter.low if parameter.minimum is None else parameter.minimum
    highest = parameter.high if parameter.maximum is None else parameter.maximum
    return lowest, highest


def _within(parameter: Int | Float, value: float) -> float:
    lowest, highest = legal_range(parameter)
    if not lowest <= value <= highest:
        raise ValueError(f"expected a value from {number(lowest)} to {number(highest)}")
    return value


def _unit(u: float) -> float:
    return min(max(u, 0.0), BELOW_ONE)


def _check(parameter: Int | Float) -> None:
    """Raises `SpaceError` for what cannot be drawn from, and for a wrong default."""
    low, high, default = parameter.low, parameter.high, parameter.default
    shown = f"range {number(low)}..{number(high)}"
    lowest, highest = legal_range(parameter)
    if not lowest <= low <= high <= highest:
        raise SpaceError(f"{shown}: expected {number(lowest)} <= low <= high <= {number(highest)}")
    if parameter.log and isinstance(parameter, Float) and parameter.step is not None:
        raise SpaceError(f"{shown}: a logarithmic range of real numbers has no step")
    if parameter.log and low < (1 if isinstance(parameter, Int) else math.ulp(0.0)):
        raise SpaceError(f"{shown}: a logarithmic range begins above 0")
    if parameter.step is not None and (
        parameter.step <= 0 or (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(parameter.step))
    ):
        raise SpaceError(f"{shown}: expected a positive step that divides it, not {parameter.step}")
    first, last = (low, high) if parameter.searched else (lowest, highest)
    if not first <= default <= last:
        raise SpaceError(f"default {number(default)}: expected {number(first)} to {number(last)}")
    if parameter.searched and parameter.step is not None and not _divides(parameter.step, default - low):
        raise SpaceError(f"default {number(default)}: expected whole steps of {parameter.step} above {low}")


def _divides(step: float, length: float) -> bool:
    return abs(length / step - round(length / step)) < 1e-9
