from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers import make_run as builder


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """`make_run(directory, variant)` of make_run.py beside this file."""
    return builder.make_run


@pytest.fixture(scope="session")
def variants() -> list[str]:
    """Names of all kinds of run that it makes."""
    return list(builder.VARIANTS)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`runs(variant)`: a run directory of that kind, made once and to be read only."""
    made: dict[str, Path] = {}

    def run(variant: str) -> Path:
        if variant not in made:
            made[variant] = builder.make_run(tmp_path_factory.mktemp("runs") / variant, variant)
        return made[variant]

    return run
