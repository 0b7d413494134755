"""The same as the command line, for notebooks and scripts."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner import runner
from tuner.config import RunConfig
from tuner.display import Display
from tuner.run_dir import read_json


@dataclass(frozen=True)
class Run:
    """A run that has ended.

    Attributes:
        path: its directory, with `report.md`, `report.json`, `leaderboard.csv` and `model/`.
        report: `report.json`; README.md says what is in it.
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
            `settings` stands for `--set`, `budget` is in seconds, and several names are a tuple.

    Raises:
        tuner.errors.TuneError: as the command line would print it.
    """
    from rich.console import Console

    configuration = RunConfig(dataset=dataset, **options)
    shown = Display(Console(), quiet=quiet)
    ended = runner.run(configuration, shown, ["tune", dataset], time.monotonic(), fresh=fresh)
    return Run(ended.path, read_json(ended.path / "report.json"), ended.interrupted)
