"""How runs differ: in their options, and in what their winners answer on the same test images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.facts.arrays import seed_rows
from reports.markdown import interval, points
from reports.statistics import intervals as stats
from reports.statistics.verdicts import Difference, difference, verdicts
from tuner.errors import TuneError
from tuner.files import read_json

OWN = {"name", "out", "data_dir", "download"}
"""Options that differ between runs and change nothing of what they find."""

MOST = 6
"""Runs of one data set of which each two are compared; of more only the first with each other."""


def differing_options(run_dirs: Sequence[Path]) -> list[str]:
    """A line for each option, and for what else decides a run, that is not the same in all of them."""
    return [
        f"{name}: " + "; ".join(f"{value} ({', '.join(which)})" for value, which in runs.items())
        for name, runs in _differing(run_dirs)
    ]


def differing_as_json(run_dirs: Sequence[Path]) -> list[dict[str, Any]]:
    """The same as JSON has it, of the schema in `docs/json.md`."""
    return [
        {"option": name, "values": [{"value": value, "runs": which} for value, which in runs.items()]}
        for name, runs in _differing(run_dirs)
    ]


def _differing(run_dirs: Sequence[Path]) -> list[tuple[str, dict[str, list[str]]]]:
    """Each option with the runs by its value."""
    told = {path.name: _settings(path) for path in run_dirs}
    names = list(dict.fromkeys(name for settings in told.values() for name in settings))
    found = []
    for name in names:
        runs: dict[str, list[str]] = {}
        for run, settings in told.items():
            runs.setdefault(_shown(settings.get(name)), []).append(run)
        if len(runs) > 1:
            found.append((name, runs))
    return found


def _settings(path: Path) -> dict[str, Any]:
    run = read_json(path / "run.json")
    if not isinstance(run, dict):
        return {}
    config = run.get("config") or {}
    options = {f"--{_typed(name)}": value for name, value in config.items() if name not in OWN | {"dataset"}}
    environment = run.get("environment") or {}
    return {
        "data": (run.get("dataset") or {}).get("name"),
        **options,
        "precision in use": environment.get("precision"),
        "backend": environment.get("backend"),
        "Keras": (environment.get("versions") or {}).get("keras"),
        "version of tune": run.get("version"),
    }


def _typed(name: str) -> str:
    return "set" if name == "settings" else name.replace("_", "-")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "none" if value in {None, ""} else str(value)


@dataclass(frozen=True)
class Winner:
    """The winner of a run, and what it answers on the test images.

    Attributes:
        images: the test split, to be the same for a comparison in pairs.
    """

    run: str
    images: bytes
    correct: stats.Correct
    seeds: stats.SeedVariance | None


def paired(run_dirs: Sequence[Path]) -> list[str]:
    """A line for each two winners on the same test images, with Holm's correction over all of them."""
    return [
        f"{a.run} minus {b.run}: {_said(item)}: {_verdict(word, a.run)}"
        for a, b, item, word in _pairs(run_dirs)
    ]


def paired_as_json(run_dirs: Sequence[Path]) -> list[dict[str, Any]]:
    """The same as JSON has it, of the schema in `docs/json.md`."""
    return [
        {
            "first": a.run,
            "second": b.run,
            "first_minus_second": item.difference,
            "ci95": list(item.interval) if item.interval else None,
            "first_is": word,
        }
        for a, b, item, word in _pairs(run_dirs)
    ]


def _pairs(run_dirs: Sequence[Path]) -> list[tuple[Winner, Winner, Difference, str]]:
    winners = [winner for path in run_dirs if (winner := _winner(path)) is not None]
    couples = [(a, b) for a, b in combinations(winners, 2) if a.images == b.images]
    if len(winners) > MOST:
        couples = [(a, b) for a, b in couples if a is winners[0]]
    found = [difference((a.correct, a.seeds), (b.correct, b.seeds)) for a, b in couples]
    return [(a, b, item, word) for (a, b), item, word in zip(couples, found, verdicts(found), strict=True)]


def _said(item: Difference) -> str:
    bounds = f" ({interval(item.interval)})" if item.interval else ""
    return f"{points(item.difference, sign=True)} points{bounds}"


def _verdict(word: str, first: str) -> str:
    return word if word == "not distinguishable" else f"{first} is {word}"


def _winner(path: Path) -> Winner | None:
    """None where the run has not tested a winner, or its files cannot be read."""
    try:
        final: Mapping[str, Any] = read_json(path / "final.json")
        with np.load(path / "predictions.npz", allow_pickle=False) as loaded:
            arrays = {key: loaded[key] for key in loaded.files if key.startswith("test")}
        counts = [(entry, _counts(entry, arrays)) for entry in final["models"]]
        fingerprint = str(read_json(path / "run.json")["dataset"]["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, TuneError):
        return None
    known = [(entry, correct) for entry, correct in counts if correct is not None]
    if not known or known[0][0] is not final["models"][0]:
        return None
    variances = stats.seed_variances([correct for _, correct in known])
    split = arrays["test_labels"].tobytes() + arrays["test_groups"].tobytes()
    return Winner(path.name, fingerprint.encode() + split, known[0][1], variances[0])


def _counts(entry: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> stats.Correct | None:
    rows = seed_rows(entry["name"], arrays)
    if not rows:
        return None
    right = np.array([row.argmax(axis=1) == arrays["test_labels"] for row in rows])
    return stats.count_correct(right, arrays["test_groups"], seeded=bool(entry["neural"]))
