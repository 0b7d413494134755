"""The parameters of the search space."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of the search space, with what the run's files say of it."""

    name: str
    kind: str
    low: float | None
    high: float | None
    log: bool
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
        choices=tuple(choices) if choices is not None else None,
        default=data.get("default"),
        searched=bool(data.get("searched", True)),
        summary=data.get("summary", ""),
    )
