"""One table over several runs, and the index of all runs in a folder."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reports import markdown
from reports.markdown import (
    NONE,
    decimals_for,
    duration,
    escape,
    interval,
    join,
    percent,
    points,
)
from tuner.files import read_json, write_text

HEADER = (
    "run",
    "data",
    "space",
    "trials",
    "test accuracy",
    "best baseline",
    "tuned minus it, points",
    "verdict on tuned",
    "search",
)
ALIGN = "lllrrlrlr"
TITLE = "# Runs"
"""The first line of the index, by which it is known."""

_SET_ASIDE = re.compile(r"\.\d{8}-\d{6}$")


@dataclass(frozen=True)
class Row:
    """One run in the table; None where it did not get so far.

    Attributes:
        path: of the run directory.
        facts: its `report.json`.
    """

    path: Path
    facts: dict[str, Any]

    def cells(self) -> list[str]:
        """Plain text for each column of `HEADER`."""
        facts, search = self.facts, self.facts["search"]
        trials = f"{sum(count for state, count in search['trials'].items() if state != 'unfinished'):,}"
        seconds = duration(search["seconds"]) if search.get("seconds") else NONE
        found = [facts["name"], facts["dataset"]["name"], search["space"], trials]
        return [*found, *self._result(), seconds]

    def _result(self) -> list[str]:
        final = self.facts.get("final") or {}
        accuracy = final.get("test_accuracy")
        if not accuracy:
            return [f"not finished ({self.facts.get('state')})", NONE, NONE, NONE]
        bounds = accuracy["ci95"]
        digits = max(1, decimals_for(bounds))
        shown = percent(accuracy["mean"], digits) + (f" ({interval(bounds, digits)})" if bounds else "")
        return [shown, *self._against_best()]

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, of the schema in `docs/json.md`."""
        facts, search = self.facts, self.facts["search"]
        accuracy = (facts.get("final") or {}).get("test_accuracy")
        return {
            "name": facts["name"],
            "path": str(self.path),
            "state": facts.get("state"),
            "dataset": facts["dataset"]["name"],
            "space": search["space"],
            "trials": search["trials"],
            "test_accuracy": {key: accuracy[key] for key in ("mean", "ci95")} if accuracy else None,
            "best_baseline": self._best_as_json() if accuracy else None,
            "search_seconds": search.get("seconds"),
        }

    def _best_as_json(self) -> dict[str, Any] | None:
        best, item = self._best_baseline()
        if best is None:
            return None
        return {
            "name": best["name"],
            "test_accuracy": best["test_accuracy"]["mean"],
            "tuned_minus_it": item["difference"],
            "ci95": item["ci95"],
            "tuned_is": item["verdict"],
        }

    def _best_baseline(self) -> tuple[Any, Any]:
        """The most accurate one, and the comparison with it; None both where there is none."""
        known = [b for b in self.facts["baselines"] if b["test_accuracy"] and b["name"] != "default"]
        if not known:
            return None, None
        best = max(known, key=lambda b: b["test_accuracy"]["mean"])
        return best, next(c for c in self.facts["comparison"] if c["baseline"] == best["name"])

    def _against_best(self) -> list[str]:
        best, item = self._best_baseline()
        if best is None:
            return [NONE, NONE, NONE]
        apart = f" ({interval(item['ci95'])})" if item["ci95"] else ""
        name = f"{best['name']} {percent(best['test_accuracy']['mean'])}"
        return [name, f"{points(item['difference'], sign=True)}{apart}", item["verdict"]]


def rows(run_dirs: Sequence[Path]) -> list[Row]:
    """The runs in the order given, each from its `report.json`, or from its own files where it has none.

    Raises:
        TuneError: one of them is not a run directory, or its files are damaged.
    """
    return [Row(path, _facts(path)) for path in run_dirs]


def _facts(path: Path) -> dict[str, Any]:
    report = path / "report.json"
    if report.exists():
        loaded: dict[str, Any] = read_json(report)
        return loaded
    from reports.as_json import as_json
    from reports.facts.summary import RunSummary

    return as_json(RunSummary.load(path))


def as_plain(found: Sequence[Row]) -> str:
    """The rows as text in columns, for a terminal."""
    lines = [list(HEADER), *(row.cells() for row in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if ALIGN[column] == "r" else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def table(paths: Sequence[Path]) -> str:
    """The text that `tune compare` prints of these runs."""
    return as_plain(rows(paths))


def run_dirs(out_dir: Path) -> list[Path]:
    """The run directories in a folder, by name; those set aside by `--fresh` are left out."""
    found = sorted(path.parent for path in out_dir.glob("*/run.json"))
    return [path for path in found if not _SET_ASIDE.search(path.name)]


def readable(out_dir: Path) -> tuple[list[Row], list[tuple[Path, Exception]]]:
    """The runs of a folder that can be read, and those that cannot, each with the reason."""
    found: list[Row] = []
    damaged: list[tuple[Path, Exception]] = []
    for path in run_dirs(out_dir):
        try:
            (row,) = rows([path])
            row.cells()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is no fault of the others
            damaged.append((path, error))
        else:
            found.append(row)
    return found, damaged


def write_index(out_dir: Path) -> Path | None:
    """Writes `README.md` in the folder of all runs: one row a run, with a link to its report.

    A run that cannot be read is listed with the reason; the file is replaced as a whole.

    Returns:
        Its path; None where there is a `README.md` of the user's own, which is left as it is.
    """
    index = out_dir / "README.md"
    if index.exists() and not _is_index(index):
        return None
    found, damaged = readable(out_dir)
    cells = []
    for row in found:
        name, *rest = (escape(cell) for cell in row.cells())
        link = (
            f"[{name}]({quote(os.fsencode(row.path.name))}/report.md)"
            if (row.path / "report.md").exists()
            else name
        )
        cells.append([link, *rest])
    text = join(
        [
            TITLE,
            "Accuracies on test images with 95 % intervals; only runs on the same data can be compared.",
            markdown.table(HEADER, cells, ALIGN) if cells else "",
            "Could not be read:" if damaged else "",
            "\n".join(f"- {escape(path.name)}: {escape(error)}" for path, error in damaged),
        ]
    )
    write_text(index, f"{text}\n")
    return index


def _is_index(path: Path) -> bool:
    """Whether a file is one that `write_index` wrote."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline().strip() == TITLE.encode()
