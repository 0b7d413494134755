"""`--set` on the command line: one parameter fixed, narrowed or opened."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from search_spaces.parameters import (
    Categorical,
    Float,
    Int,
    Parameter,
    ParamValue,
    SpaceError,
    legal_range,
    number,
)

FORMS = "NAME=VALUE, NAME=LOW..HIGH[:log], NAME=a,b,c or NAME=*"


def split_setting(setting: str) -> tuple[str, str]:
    """("filters", "16..64") of "filters=16..64"; raises `SpaceError` for another form."""
    name, equals, text = setting.partition("=")
    if not equals or not name.strip() or not text.strip():
        raise SpaceError(f"--set {setting!r}: expected {FORMS}")
    return name.strip(), text.strip()


def apply_setting(parameter: Parameter, text: str) -> Parameter:
    """The parameter as the right side of a `--set` wants it.

    Args:
        parameter: as the space declares it.
        text: a value, which fixes it; LOW..HIGH, with :log or :linear, or a,b,c, which are
            searched; or * for the range or the choices that are declared.

    Raises:
        ValueError: saying what was expected, without the parameter's name.
    """
    if text == "*":
        return _open(parameter)
    if not isinstance(parameter, Categorical) and (hint := _hint(text)):
        raise ValueError(f"expected a number, a range or choices{hint}")
    if ".." in text:
        return _narrowed(parameter, text)
    if "," in text:
        return with_choices(parameter, [part for part in text.split(",") if part.strip()])
    return _fixed(parameter, text)


_NUMBER = r"(\d+\.?\d*(?:e[+-]?\d+)?)"
_ALMOST_A_RANGE = re.compile(rf"{_NUMBER}\s*(?:-|–|—|:|…|\.\.\.|to)\s*{_NUMBER}", re.IGNORECASE)


def _hint(text: str) -> str:
    """How a range is written, where a text was meant as one."""
    found = None if re.fullmatch(_NUMBER, text) else _ALMOST_A_RANGE.fullmatch(text)
    return f"; a range is written {found[1]}..{found[2]}" if found else ""


def _fixed(parameter: Parameter, text: str) -> Parameter:
    if isinstance(parameter, Int):
        return replace(parameter, default=parameter.read(text), searched=False)
    if isinstance(parameter, Float):
        return replace(parameter, default=parameter.read(text), searched=False)
    return replace(parameter, default=parameter.read(text), searched=False)


def _open(parameter: Parameter) -> Parameter:
    if isinstance(parameter, Int):
        return replace(parameter, default=parameter.clamp(parameter.default), searched=True)
    if isinstance(parameter, Float):
        return replace(parameter, default=parameter.clamp(parameter.default), searched=True)
    return replace(parameter, searched=True)


def with_choices(parameter: Parameter, texts: Sequence[str]) -> Categorical:
    """The parameter with these values, as a user typed them, to choose from; raises `ValueError`."""
    values: list[ParamValue] = [parameter.read(text) for text in texts]
    if not values or len(set(values)) < len(values):
        raise ValueError("expected different values, separated by commas")
    default: ParamValue = parameter.default if parameter.default in values else values[0]
    return Categorical(tuple(values), default, True, parameter.active_if, parameter.summary)


def _narrowed(parameter: Parameter, text: str) -> Parameter:
    if isinstance(parameter, Categorical):
        raise SpaceError("expected choices, not a range: " + ",".join(map(number, parameter.choices)))
    ends, colon, scale = text.partition(":")
    if colon and scale not in {"log", "linear"}:
        raise ValueError("expected LOW..HIGH, LOW..HIGH:log or LOW..HIGH:linear")
    left, _, right = ends.partition("..")
    low, high = parameter.read(left), parameter.read(right)
    if low > high:
        raise ValueError(f"expected LOW..HIGH with LOW at most HIGH: {number(high)}..{number(low)}")
    log = scale == "log" if colon else parameter.log
    if log and low <= 0:
        raise ValueError(f"expected LOW above 0 for a logarithmic range, or {ends}:linear")
    return with_range(parameter, low, high, log=log)


def with_range(
    parameter: Int | Float, low: float, high: float, *, log: bool, step: float | None = None
) -> Parameter:
    """The parameter searched from `low` to `high`, which comes down to the last whole step.

    Args:
        parameter: as it was; its default moves into the range.
        low: legal value of it.
        high: legal value of it, at least `low`.
        log: whether the logarithm is uniform.
        step: distance of the values, None for the parameter's own.
    """
    parameter = _declared(parameter, parameter)  # the default may lie outside the new range until it moves
    step = step or _own_step(parameter, low, high, log=log)
    if step is not None:
        # in decimals, as Optuna compares them: 0.1 + 4 * 0.05 is to be 0.3
        first, step_size = Decimal(str(low)), Decimal(str(step))
        high = float(first + (Decimal(str(high)) - first) // step_size * step_size)
    if isinstance(parameter, Int):
        whole = replace(parameter, low=int(low), high=int(high), log=log, step=int(step or 1), searched=False)
        return _open(_declared(whole, parameter))
    real = replace(parameter, low=low, high=high, log=log, step=step, searched=False)
    return _open(_declared(real, parameter))


def _own_step(parameter: Int | Float, low: float, high: float, *, log: bool) -> float | None:
    """The parameter's step; where a logarithm is in play, only if both ends are multiples of it."""
    if not (log or parameter.log):
        return parameter.step
    whole = isinstance(parameter, Int) and not low % parameter.step and not high % parameter.step
    return parameter.step if whole else None


def _declared(changed: Int | Float, before: Int | Float) -> Int | Float:
    """The legal range stays that of the declaration when the range searched gets smaller."""
    lowest, highest = legal_range(before)
    if isinstance(changed, Int):
        return replace(changed, minimum=int(lowest), maximum=int(highest))
    return replace(changed, minimum=lowest, maximum=highest)
