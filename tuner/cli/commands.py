"""The commands' actions, once their options are read."""

import errno
import json
import os
import shlex
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.cli import streams
from tuner.config import RunConfig
from tuner.display import Display, redraws
from tuner.errors import StoppedError, UsageError
from tuner.files import read_json
from tuner.run import runner
from tuner.run_dir import RunDir, find_run, newest_run

if TYPE_CHECKING:
    from reports.compare import Row

__all__ = ["find_run", "newest_run"]


def config(given: dict[str, Any]) -> RunConfig:
    """The configuration of the options that a command got, as their strings."""
    options = dict(given)
    options["download"] = not options.pop("no_download")
    return RunConfig.of(options)


def display(*, plain: bool, quiet: bool, as_json: bool) -> Display:
    """The display that the options ask for."""
    from rich.console import Console

    console = Console(stderr=as_json)
    return Display(console, live=not plain and redraws(console.file, os.environ), quiet=quiet)


def run(configuration: RunConfig, shown: Display, began: float, *, fresh: bool, as_json: bool) -> int:
    """`tune run`."""
    command = ["tune", *(arg for arg in sys.argv[1:] if arg not in {"--fresh", "--debug"})]
    ended = runner.run(configuration, shown, command, began, fresh=fresh)
    summary = read_json(ended.path / "report.json")
    if as_json:
        sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    for line in headline(summary):
        shown.say(line)
    if ended.interrupted:
        shown.warn(f"interrupted; finished work is kept, and this continues:\n{shlex.join(command)}")
    shown.say(f"report: {ended.path / 'report.md'}")
    if not as_json:  # the result is in the run directory
        streams.excuse()
    return StoppedError.exit_code if ended.interrupted else 0


def headline(summary: dict[str, Any]) -> list[str]:
    """The result in a line or two, with the figures of the report."""
    from reports.facts.comparisons import in_words
    from reports.markdown import decimals_for, interval, percent, points

    final = summary.get("final")
    if not final:
        return []
    accuracy = final["test_accuracy"]
    bounds = accuracy["ci95"]
    digits = decimals_for(bounds)
    sure = f" (95 % interval {interval(bounds, digits)})" if bounds else ""
    lines = [f"tuned: test accuracy {percent(accuracy['mean'], digits)}{sure}"]
    if final.get("shipped", {}).get("seeds", 1) > 1:
        together = f"the saved model, {final['shipped']['seeds']} seeds together"
        lines.insert(0, f"{together}: test accuracy {percent(final['shipped']['test_accuracy'], digits)}")
    lines += [
        f"  {points(row['difference'], decimals_for(row['ci95']), sign=True)} points against "
        f"{row['baseline']}: {in_words(row['verdict'], row['difference'], row['ci95'])}"
        for row in summary["comparison"]
        if row["baseline"] != "default" or summary["best"]["trial"]  # which is the winner itself
    ]
    return lines


def plan(configuration: RunConfig, shown: Display, began: float) -> int:
    """`tune plan`; its result is printed even with `--quiet`."""
    from tuner.run.estimate import describe

    for line in describe(configuration, shown, began):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return 0


def datasets(data_dir: Path | None) -> int:
    """`tune datasets`."""
    from tuner import datasets as sets
    from tuner.datasets.base import DataOptions

    options = DataOptions(data_dir or sets.default_data_dir(), sets.default_cache_dir(), download=False)
    for found in sets.statuses(options):
        where = "on disk" if found.present else "not on disk"
        detail = "\n    ".join(found.detail.splitlines())
        sys.stdout.write(f"{found.name}: {found.summary}\n    {where}: {detail}\n")
    return 0


def spaces(only: str | None) -> int:
    """`tune spaces`."""
    from search_spaces import SEARCH_SPACES
    from search_spaces.family import Task
    from tuner.registry import reference, resolve

    task = Task((28, 28, 1), 10, 50_000)
    shown = SEARCH_SPACES if only is None else {only: reference("search space", only, SEARCH_SPACES)}
    for name, target in shown.items():
        family = resolve(target)
        sys.stdout.write(f"{name}: {family.summary}\n")
        for parameter in family.space(task).to_json():
            sys.stdout.write(f"    {_parameter_line(parameter)}\n")
    sys.stdout.write(
        "ranges and defaults are those for 28x28x1 images; depth and head follow the image size\n"
    )
    return 0


def _parameter_line(parameter: dict[str, Any]) -> str:
    from search_spaces.parameters import number

    if parameter["type"] == "categorical":
        domain = ", ".join(map(number, parameter["choices"]))
    else:
        low, high = number(parameter["low"]), number(parameter["high"])
        step = (
            f" in steps of {parameter['step']}"
            if parameter["type"] == "int" and parameter["step"] > 1
            else ""
        )
        domain = f"{low} to {high}{step}" + (", log" if parameter["log"] else "")
    fixed = "" if parameter["searched"] else ", fixed unless --set opens it"
    line = f"{parameter['name']}: {domain}; default {number(parameter['default'])}{fixed}"
    return f"{line} ({parameter['summary']})" if parameter["summary"] else line


def baselines() -> int:
    """`tune baselines`."""
    from tuner.baselines import BASELINES
    from tuner.ending.contenders import FROM_SCRATCH, SCRATCH_SUMMARY
    from tuner.registry import resolve

    for name, target in BASELINES.items():
        baseline = resolve(target)
        published = f"; published: {baseline.published}" if baseline.published else ""
        sys.stdout.write(f"{name}: {baseline.summary}\n    source: {baseline.source}{published}\n")
        if baseline.changes:
            sys.stdout.write(f"    here: {baseline.changes}\n")
    sys.stdout.write(f"{FROM_SCRATCH}: {SCRATCH_SUMMARY}; compared where heads are trained on features\n")
    sys.stdout.write("default: the search space's own configuration, trial 0; always compared\n")
    return 0


def status(run_dir: RunDir, trial: int | None) -> int:
    """`tune status`."""
    from tuner.run.status import lines

    for line in lines(run_dir, trial):
        sys.stdout.write(line + "\n")
    if trial is None and (run_dir.path / "report.json").exists():
        summary = read_json(run_dir.path / "report.json")
        for line in headline(summary) if summary.get("state") == "done" else []:
            sys.stdout.write(line + "\n")
    return 0


def report(run_dir: RunDir, to: Path | None, *, show: bool = False) -> int:
    """`tune report`, into the run directory or another one."""
    import reports

    try:
        written = reports.write(run_dir.path, to)
    except OSError as error:
        if not isinstance(error, PermissionError) and error.errno != errno.EROFS:
            raise
        raise UsageError(
            f"{to or run_dir.path} cannot be written: {error.strerror}\nelsewhere: --to DIR"
        ) from error
    sys.stdout.write(f"report: {written}\n")
    if show:
        page = written.with_name("report.html").resolve()
        if not webbrowser.open(page.as_uri()):
            sys.stdout.write(f"no browser to open it with: {page}\n")
    return 0


def compare(runs: list[RunDir], out: Path) -> int:
    """`tune compare`."""
    from reports.compare import as_plain
    from reports.pairs import differing_options, paired

    found, _ = compared(runs, out)
    sys.stdout.write(as_plain(found) + "\n")
    paths = [row.path for row in found]
    for title, lines in (
        ("differing options", differing_options(paths)),
        ("winners on the same test images, in pairs", paired(paths)),
    ):
        if lines:
            sys.stdout.write("\n".join([f"\n{title}:", *(f"  {line}" for line in lines)]) + "\n")
    return 0


def compared(runs: Sequence[RunDir], out: Path) -> "tuple[list[Row], list[tuple[Path, Exception]]]":
    """The runs to compare, all in `out` without any; and those of them that cannot be read, with a warning.

    Raises:
        UsageError: there is none.
    """
    from reports.compare import readable, rows

    if runs:
        return rows([run_dir.path for run_dir in runs]), []
    found, damaged = readable(out)
    for path, error in damaged:  # which nobody has named
        sys.stderr.write(f"warning: {path} is left out: {error}\n")
    if not found:
        raise UsageError(f"no runs in {out}\nexpected run directories or names, or another --out")
    return found, damaged
