"""A search space: what may vary, in which range, and what it is otherwise."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.parameters import (
    Categorical,
    Float,
    Int,
    Parameter,
    ParamValue,
    SpaceError,
    number,
)
from search_spaces.settings import apply_setting, split_setting

__all__ = [
    "Categorical",
    "Float",
    "Int",
    "ParamValue",
    "Parameter",
    "SearchSpace",
    "SpaceError",
    "from_toml",
    "read_toml",
]


@dataclass(frozen=True)
class SearchSpace:
    """Named parameters, in the order in which they are chosen.

    A parameter with a condition comes after the one that it depends on.

    Attributes:
        name: of the family, for messages.
        parameters: by name.
    """

    name: str
    parameters: Mapping[str, Parameter]

    def __post_init__(self) -> None:
        seen: dict[str, Parameter] = {}
        for name, parameter in self.parameters.items():
            if parameter.active_if is not None and parameter.active_if[0] not in seen:
                raise SpaceError(
                    f"space {self.name!r}: {name!r} depends on {parameter.active_if[0]!r}, "
                    "which must be declared before it"
                )
            seen[name] = parameter

    def default(self) -> dict[str, ParamValue]:
        """The space's own configuration: every parameter's default."""
        return {name: parameter.default for name, parameter in self.parameters.items()}

    def searched(self) -> dict[str, Parameter]:
        """The parameters that vary, without those that what is fixed leaves unused."""
        return {
            name: parameter
            for name, parameter in self.parameters.items()
            if parameter.searched and self._reachable(parameter)
        }

    def is_active(self, name: str, params: Mapping[str, ParamValue]) -> bool:
        """Whether `params` (defaults where they say nothing) make any use of parameter `name`."""
        condition = self._get(name).active_if
        if condition is None:
            return True
        other, values = condition
        parent = self._get(other)
        return parent.cast(params.get(other, parent.default)) in values and self.is_active(other, params)

    def complete(self, params: Mapping[str, Any]) -> dict[str, ParamValue]:
        """All parameters, checked and in Python's own types.

        Fixed parameters and those that `params` does not name get their defaults, and so do
        parameters that are not used. 0 and 1 stand for false and true.

        Raises:
            SpaceError: an unknown name, or a value of the wrong type or outside its legal range.
        """
        for name in params:
            self._get(name)
        result: dict[str, ParamValue] = {}
        for name, parameter in self.parameters.items():
            active = self.is_active(name, result)
            value = params.get(name, parameter.default) if active else parameter.default
            try:
                result[name] = parameter.cast(value)
            except ValueError as error:
                raise SpaceError(f"{name} = {value!r} in space {self.name!r}: {error}") from None
        return result

    def adapt(self, params: Mapping[str, Any]) -> dict[str, ParamValue]:
        """The configuration of this space that is nearest to `params` of another run.

        Unknown names are left out, fixed parameters keep their values, the others are moved into
        the range that is searched.
        """
        result = self.default()
        for name, parameter in self.searched().items():
            value = params.get(name, parameter.default)
            real = isinstance(value, int | float) and not isinstance(value, bool)
            if isinstance(parameter, Categorical) or real:
                result[name] = parameter.clamp(value)
        return self.complete(result)

    def from_unit(self, name: str, u: float) -> ParamValue:
        """The value of parameter `name` at `u` in [0, 1), distributed as Optuna would draw it."""
        return self._get(name).from_unit(u)

    def to_unit(self, name: str, value: ParamValue) -> float:
        """A `u` in [0, 1) which `from_unit` takes back to `value`."""
        return self._get(name).to_unit(value)

    def with_settings(self, settings: Sequence[str]) -> "SearchSpace":
        """The space after `--set` options, in their order.

        Args:
            settings: NAME=VALUE fixes; NAME=LOW..HIGH, with :log or :linear, and NAME=a,b,c
                narrow or open; NAME=* opens over the declared range. Defaults are moved into the
                new range; a choice that is gone becomes the first one.

        Raises:
            SpaceError: what is wrong with which setting, and what was expected.
        """
        parameters = dict(self.parameters)
        named: dict[str, str] = {}
        for setting in settings:
            name, text = split_setting(setting)
            declared = self._get(name, f"--set {setting}: ")
            try:
                parameters[name] = apply_setting(declared, text)
            except ValueError as error:
                raise SpaceError(f"--set {setting}: {error}") from None
            named[name] = setting
        space = SearchSpace(self.name, parameters)
        for name, setting in named.items():
            space._refuse_unused(name, setting)
        return space

    def to_json(self) -> list[dict[str, Any]]:
        """The parameters as `run.json` keeps them."""
        return [
            {
                "name": name,
                "type": type(parameter).__name__.lower(),
                "low": getattr(parameter, "low", None),
                "high": getattr(parameter, "high", None),
                "log": getattr(parameter, "log", False),
                "step": getattr(parameter, "step", None),
                "choices": list(parameter.choices) if isinstance(parameter, Categorical) else None,
                "default": parameter.default,
                "searched": name in self.searched(),
                "active_if": _condition_json(parameter),
                "summary": parameter.summary,
            }
            for name, parameter in self.parameters.items()
        ]

    def _get(self, name: str, prefix: str = "") -> Parameter:
        if name not in self.parameters:
            close = difflib.get_close_matches(name, self.parameters, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(self.parameters)}"
            raise SpaceError(f"{prefix}space {self.name!r} has no parameter {name!r}; {hint}")
        return self.parameters[name]

    def _reachable(self, parameter: Parameter) -> bool:
        """Whether any configuration of the space uses the parameter."""
        if parameter.active_if is None:
            return True
        name, values = parameter.active_if
        parent = self.parameters[name]
        possible = _possible(parent)
        return self._reachable(parent) and (possible is None or any(v in values for v in possible))

    def _refuse_unused(self, name: str, setting: str) -> None:
        parameter = self.parameters[name]
        if self._reachable(parameter) or parameter.active_if is None:
            return
        other, values = parameter.active_if
        wanted = " or ".join(map(number, values))
        raise SpaceError(
            f"--set {setting}: {name!r} is used only with {other} = {wanted}, "
            f"but {other} is {number(self.parameters[other].default)} here"
        )


def read_toml(path: Path) -> tuple[str, list[str]]:
    """Family name ("" where the file names none) and settings of a space in TOML.

    ```toml
    family = "cnn"

    [set]
    filters = "16..64:log"
    head = ["dense", "pooling"]
    dropout = 0.3
    ```

    Raises:
        SpaceError: a file that cannot be read, or holds anything else.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpaceError(f"space {str(path)!r} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpaceError(f"space {str(path)!r} is no TOML: {error}") from None
    family, table = content.pop("family", ""), content.pop("set", {})
    if content or not isinstance(family, str) or not isinstance(table, dict):
        odd = next(iter(content), "family" if not isinstance(family, str) else "set")
        raise SpaceError(f'space {str(path)!r}: {odd!r}: expected family = "NAME" and a table [set]')
    return family, [f"{name}={_toml_text(value)}" for name, value in table.items()]


def from_toml(path: Path, base: SearchSpace) -> SearchSpace:
    """`base` narrowed by the `[set]` table of a TOML file (see `read_toml`)."""
    settings = read_toml(path)[1]
    try:
        return base.with_settings(settings)
    except SpaceError as error:
        raise SpaceError(f"{path}: {str(error).removeprefix('--set ')}") from None


def _toml_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_toml_text, value)) + ("," if len(value) == 1 else "")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _possible(parameter: Parameter) -> tuple[ParamValue, ...] | None:
    """The values that the parameter can take, None where they are too many to list."""
    if not parameter.searched:
        return (parameter.default,)
    return parameter.choices if isinstance(parameter, Categorical) else None


def _condition_json(parameter: Parameter) -> list[Any] | None:
    if parameter.active_if is None:
        return None
    return [parameter.active_if[0], list(parameter.active_if[1])]
