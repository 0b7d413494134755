"""A search space in a TOML file: a family, and what is searched of its parameters.

```toml
family = "cnn"                               # a name, or FILE.py:FAMILY; without it the data set's own

[parameters]
dropout = 0.3                                # fixed
kernel_size = [3, 5]                         # to choose from
depth = "2..4"                               # as after --set depth=

[parameters.filters]                         # a range, with a default of its own
low = 8
high = 32
log = true
default = 16
```

Parameters that the file does not name stay as the family declares them.

`tomllib` reads the file, and `settings` knows the values a parameter accepts, as after `--set`. A library
for schemas, such as pydantic, could only check the two keys at the top: ranges and choices are the family's,
and messages name the file, the key, its value and the nearest value that is allowed.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search_spaces.parameters import Categorical, Float, Int, Parameter, SpaceError, number
from search_spaces.settings import apply_setting, with_choices, with_range
from search_spaces.space import SearchSpace

RANGE_KEYS = ("low", "high", "log", "step", "default")
CHOICE_KEYS = ("choices", "default")


@dataclass(frozen=True)
class SpaceFile:
    """The content of a TOML file.

    Attributes:
        path: of the file.
        family: whose parameters it narrows; "" for the data set's own.
        parameters: TOML's value for each that it names.
    """

    path: Path
    family: str
    parameters: Mapping[str, Any]

    def apply(self, base: SearchSpace) -> SearchSpace:
        """The space of the family as the file wants it.

        Raises:
            SpaceError: naming the file, the key, its value and what was expected.
        """
        changed, said = {}, {}
        for name, value in self.parameters.items():
            declared = base.get(name, f"{self.path}: {name} = {_shown(value)}: ")
            try:
                changed[name] = _changed(declared, value)
            except _KeyedError as error:
                raise SpaceError(f"{self.path}: {name}.{error.key} = {error.shown}: {error}") from None
            except ValueError as error:
                raise SpaceError(f"{self.path}: {name} = {_shown(value)}: {error}") from None
            said[name] = f"{self.path}: {name} = {_shown(value)}"
        return base.with_parameters(changed, said)


class _KeyedError(ValueError):
    """The message for a wrong key of a parameter's table."""

    def __init__(self, key: str, value: Any, expected: str) -> None:
        super().__init__(expected)
        self.key = key
        self.shown = _shown(value)


def read_toml(path: Path) -> SpaceFile:
    """Reads such a file; its parameters are checked by `SpaceFile.apply`.

    Raises:
        SpaceError: a file that cannot be read, or that holds anything else.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpaceError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpaceError(f"{path} is no TOML: {error}") from None
    family, parameters = content.pop("family", ""), content.pop("parameters", {})
    if content:
        key, value = next(iter(content.items()))
        hint = _near(key, ("family", "parameters"))
        raise SpaceError(
            f"{path}: {key} = {_shown(value)}: no such key{hint}; expected family and [parameters]"
        )
    if not isinstance(family, str):
        raise SpaceError(f"{path}: family = {_shown(family)}: expected a name, or FILE.py:FAMILY, in quotes")
    if not isinstance(parameters, dict):
        raise SpaceError(f"{path}: parameters = {_shown(parameters)}: expected a table [parameters]")
    return SpaceFile(path, family, parameters)


def _changed(parameter: Parameter, value: Any) -> Parameter:
    if isinstance(value, dict):
        return _from_table(parameter, value)
    if isinstance(value, list):
        return with_choices(parameter, [_text(item) for item in value])
    return apply_setting(parameter, _text(value))


def _from_table(parameter: Parameter, table: Mapping[str, Any]) -> Parameter:
    choosing = isinstance(parameter, Categorical) or "choices" in table
    known = CHOICE_KEYS if choosing else RANGE_KEYS
    for key, value in table.items():
        if key not in known:
            raise _KeyedError(key, value, f"no such key{_near(key, known)}; expected {', '.join(known)}")
    if isinstance(parameter, Categorical) or "choices" in table:
        return _choices_from(parameter, table)
    return _range_from(parameter, table)


def _choices_from(parameter: Parameter, table: Mapping[str, Any]) -> Categorical:
    choices = table.get("choices", list(getattr(parameter, "choices", ())))
    if not isinstance(choices, list):
        raise _KeyedError("choices", choices, "expected a list")
    try:
        changed = with_choices(parameter, [_text(item) for item in choices])
    except ValueError as error:
        raise _KeyedError("choices", choices, str(error)) from None
    return replace(changed, default=_read(changed, "default", table)) if "default" in table else changed


def _range_from(parameter: Int | Float, table: Mapping[str, Any]) -> Parameter:
    ends = {key: _read(parameter, key, table) for key in ("low", "high") if key in table}
    low, high = ends.get("low", parameter.low), ends.get("high", parameter.high)
    if low > high:
        key = "low" if "low" in ends else "high"
        other = f"at most high, {number(high)}" if key == "low" else f"at least low, {number(low)}"
        raise _KeyedError(key, table[key], f"expected a value {other}")
    log, step = table.get("log", parameter.log and "step" not in table), table.get("step")
    if not isinstance(log, bool):
        raise _KeyedError("log", log, "expected true or false")
    if log and low <= 0:
        key = "low" if "low" in ends else "log"
        raise _KeyedError(key, table.get(key, log), "expected low above 0 for a logarithmic range")
    if step is not None:
        _check_step(parameter, step, log=log)
    changed = with_range(parameter, low, high, log=log, step=step)
    assert isinstance(changed, Int | Float)
    return _with_default(changed, table) if "default" in table else changed


def _check_step(parameter: Int | Float, step: Any, *, log: bool) -> None:
    if log and isinstance(parameter, Float):
        raise _KeyedError("step", step, "expected none, as a logarithmic range of real numbers has no step")
    kind, name = (int, "a whole number") if isinstance(parameter, Int) else (int | float, "a number")
    if isinstance(step, bool) or not isinstance(step, kind) or not step > 0:
        raise _KeyedError("step", step, f"expected {name} above 0")


def _with_default(parameter: Int | Float, table: Mapping[str, Any]) -> Parameter:
    value = _read(parameter, "default", table)
    near = parameter.clamp(value)
    if abs(near - value) > 1e-9 * max(1.0, abs(value)):
        raise _KeyedError(
            "default", value, f"expected a value that is searched; the nearest is {number(near)}"
        )
    if isinstance(parameter, Int):
        return replace(parameter, default=int(near))
    return replace(parameter, default=float(near))


def _read(parameter: Parameter, key: str, table: Mapping[str, Any]) -> Any:
    try:
        return parameter.read(_text(table[key]))
    except ValueError as error:
        raise _KeyedError(key, table[key], str(error)) from None


def _near(key: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    """A value much as it stands in the file."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_shown(item)}" for key, item in value.items()) + "}"
    return _text(value)
