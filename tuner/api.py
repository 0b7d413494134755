"""The same as the command line, for notebooks and scripts."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.config import RunConfig
from tuner.display import Display
from tuner.files import read_json
from tuner.run import runner

PATHS = {"data_dir", "out", "labels", "test"}
"""The options that are paths."""


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        path: its directory, with `report.md`, `report.json`, `leaderboard.csv` and `model/`.
        report: `report.json`; README.md says what is in it. Its `final` is None where the run was
            stopped before its end.
        interrupted: whether it was stopped before its end.
    """

    path: Path
    report: dict[str, Any]
    interrupted: bool


def tune(dataset: str, *, fresh: bool = False, quiet: bool = True, **options: Any) -> Run:
    """Searches, retrains the best trial, compares it with baselines, and writes the report.

    Args:
        dataset: a registered name, or a path.
        fresh: set an existing run of that name aside and start anew.
        quiet: show warnings only.
        **options: fields of `tuner.config.RunConfig`; they are the options of `tune run`, where
            `settings` stands for `--set` and `download=False` for `--no-download`, `budget` is in
            seconds, and several names, or the sizes in `image_shape`, are a tuple or a list. Paths
            may be texts.

    Raises:
        tuner.errors.TuneError: as the command line would print it.
    """
    from rich.console import Console

    plain = {name: _as_declared(name, value) for name, value in options.items()}
    configuration = RunConfig(dataset=dataset, **plain)
    shown = Display(Console(), quiet=quiet)
    ended = runner.run(configuration, shown, configuration.command(), time.monotonic(), fresh=fresh)
    return Run(ended.path, read_json(ended.path / "report.json"), ended.interrupted)


def _as_declared(name: str, value: Any) -> Any:
    """A list as a tuple, and a text as a path where the option is one."""
    if isinstance(value, list):
        return tuple(value)
    return Path(value) if name in PATHS and value is not None else value
