"""The parameters of the search space."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of the search space, as `run.json` says it; `step` of whole numbers alone."""

    name: str
    kind: str
    low: float | None
    high: float | None
    log: bool
    step: int
    choices: tuple[Any, ...] | None
    default: Any
    searched: bool
    summary: str


def as_parameter(data: Mapping[str, Any]) -> Parameter:
    """As `run.json` says it."""
    choices = data.get("choices")
    return Parameter(
        name=data["name"],
        kind=data["type"],
        low=data.get("low"),
        high=data.get("high"),
        log=bool(data.get("log")),
        step=(data.get("step") or 1) if data["type"] == "int" else 1,
        choices=tuple(choices) if choices is not None else None,
        default=data.get("default"),
        searched=bool(data.get("searched", True)),
        summary=data.get("summary", ""),
    )
