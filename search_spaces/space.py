"""A search space: which parameters vary, in which range, and their values otherwise."""

import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
]


@dataclass(frozen=True)
class SearchSpace:
    """Named parameters, in the order in which they are chosen.

    A parameter with a condition comes after the one that it depends on.

    Attributes:
        name: of the family, for messages.
        parameters: by name.
        cost: what training takes with all of the parameters, in any unit that is proportional to time; None
            where that is not known, or much the same.
    """

    name: str
    parameters: Mapping[str, Parameter]
    cost: Callable[[Mapping[str, ParamValue]], float] | None = field(default=None, compare=False)

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

    def relative_cost(self, params: Mapping[str, ParamValue]) -> float:
        """What training takes with all of the parameters, the default's being 1; 1 where it is not known."""
        return 1.0 if self.cost is None else self.cost(params) / self.cost(self.default())

    def searched(self) -> dict[str, Parameter]:
        """The parameters that vary, without those that what is fixed leaves unused."""
        return {
            name: parameter
            for name, parameter in self.parameters.items()
            if parameter.searched and self._reachable(parameter)
        }

    def is_active(self, name: str, params: Mapping[str, ParamValue]) -> bool:
        """Whether `params` (defaults where they say nothing) make any use of parameter `name`."""
        condition = self.get(name).active_if
        if condition is None:
            return True
        other, values = condition
        parent = self.get(other)
        return parent.cast(params.get(other, parent.default)) in values and self.is_active(other, params)

    def complete(self, params: Mapping[str, Any]) -> dict[str, ParamValue]:
        """All parameters, checked and in Python's own types.

        Fixed parameters and those that `params` does not name get their defaults, and so do
        parameters that are not used. 0 and 1 stand for false and true.

        Raises:
            SpaceError: an unknown name, or a value of the wrong type or outside its legal range.
        """
        for name in params:
            self.get(name)
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
        the range that is searched; choices that there are not become the default.
        """
        result = self.default()
        for name, parameter in self.searched().items():
            value = params.get(name, parameter.default)
            if isinstance(parameter, Categorical):
                with suppress(ValueError):
                    result[name] = parameter.cast(value)
            elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                result[name] = parameter.clamp(value)
        return self.complete(result)

    def from_unit(self, name: str, u: float) -> ParamValue:
        """The value of parameter `name` at `u` in [0, 1), distributed as Optuna would draw it."""
        return self.get(name).from_unit(u)

    def to_unit(self, name: str, value: ParamValue) -> float:
        """A `u` in [0, 1) which `from_unit` takes back to `value`."""
        return self.get(name).to_unit(value)

    def with_settings(self, settings: Sequence[str]) -> "SearchSpace":
        """The space after `--set` options, in their order.

        Args:
            settings: NAME=VALUE fixes; NAME=LOW..HIGH, with :log or :linear, and NAME=a,b,c
                narrow or open; NAME=* opens over the declared range. Defaults are moved into the
                new range; a choice that is gone becomes the first one.

        Raises:
            SpaceError: what is wrong with which setting, and what was expected.
        """
        changed: dict[str, Parameter] = {}
        said: dict[str, str] = {}
        for setting in settings:
            name, text = split_setting(setting)
            declared = self.get(name, f"--set {setting}: ")
            try:
                changed[name] = apply_setting(declared, text)
            except ValueError as error:
                raise SpaceError(f"--set {setting}: {error}") from None
            said[name] = f"--set {setting}"
        return self.with_parameters(changed, said)

    def left_by(self, changed: "SearchSpace") -> list[str]:
        """A sentence for each parameter that a changed space takes out of the range of this one."""
        sentences = []
        for name, declared in self.parameters.items():
            now = changed.parameters[name]
            if isinstance(declared, Categorical) or now == declared:
                continue
            low, high = _ends(now)
            if low < declared.low or high > declared.high:
                said = number(low) if low == high else f"{number(low)}..{number(high)}"
                sentences.append(
                    f"{name}={said} leaves the range of {self.name}, which is "
                    f"{number(declared.low)}..{number(declared.high)}"
                )
        return sentences

    def with_parameters(self, changed: Mapping[str, Parameter], said: Mapping[str, str]) -> "SearchSpace":
        """The space with other ranges of some parameters.

        Args:
            changed: by name.
            said: what the user wrote for each, for messages.

        Raises:
            SpaceError: a parameter was named that nothing in the space makes use of any more.
        """
        space = SearchSpace(self.name, {**self.parameters, **changed}, self.cost)
        for name in changed:
            space._refuse_unused(name, said[name])
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

    def get(self, name: str, prefix: str = "") -> Parameter:
        """The parameter of that name; raises `SpaceError`, its message after `prefix`, if there is none."""
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

    def _refuse_unused(self, name: str, said: str) -> None:
        parameter = self.parameters[name]
        if self._reachable(parameter) or parameter.active_if is None:
            return
        other, values = parameter.active_if
        wanted = " or ".join(map(number, values))
        raise SpaceError(
            f"{said}: {name!r} is used only with {other} = {wanted}, "
            f"but {other} is {number(self.parameters[other].default)} here"
        )


def _ends(parameter: Parameter) -> tuple[float, float]:
    """The least and the greatest number that a parameter takes."""
    if not isinstance(parameter, Categorical) and parameter.searched:
        return parameter.low, parameter.high
    values = parameter.choices if isinstance(parameter, Categorical) else (parameter.default,)
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    whole = all(isinstance(value, int) for value in values)
    low, high = min(numbers), max(numbers)
    return (int(low), int(high)) if whole else (low, high)


def _possible(parameter: Parameter) -> tuple[ParamValue, ...] | None:
    """The values that the parameter can take, None where they are too many to list."""
    if not parameter.searched:
        return (parameter.default,)
    return parameter.choices if isinstance(parameter, Categorical) else None


def _condition_json(parameter: Parameter) -> list[Any] | None:
    if parameter.active_if is None:
        return None
    return [parameter.active_if[0], list(parameter.active_if[1])]
