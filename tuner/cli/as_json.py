"""`--json` of the commands that only read: one object each, of the schemas in `docs/json.md`."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuner.config import RunConfig
from tuner.display import Display
from tuner.run_dir import RunDir

SCHEMA_VERSION = 1


def tell(facts: dict[str, Any]) -> int:
    """Writes an object to standard output; numbers that JSON does not know are null."""
    told = _finite({"schema_version": SCHEMA_VERSION, **facts})
    sys.stdout.write(json.dumps(told, indent=2, allow_nan=False) + "\n")
    return 0


def _finite(item: Any) -> Any:
    if isinstance(item, dict):
        return {str(key): _finite(entry) for key, entry in item.items()}
    if isinstance(item, list | tuple):
        return [_finite(entry) for entry in item]
    return None if isinstance(item, float) and not math.isfinite(item) else item


def plan(configuration: RunConfig, shown: Display, began: float) -> dict[str, Any]:
    """Of `tune plan`."""
    from tuner.run.estimate import as_json

    return as_json(configuration, shown, began)


def datasets(data_dir: Path | None) -> dict[str, Any]:
    """Of `tune datasets`."""
    from tuner import datasets as sets
    from tuner.datasets.base import DataOptions

    options = DataOptions(data_dir or sets.default_data_dir(), sets.default_cache_dir(), download=False)
    return {
        "datasets": [
            {"name": each.name, "summary": each.summary, "on_disk": each.present, "detail": each.detail}
            for each in sets.statuses(options)
        ]
    }


def spaces(only: str | None) -> dict[str, Any]:
    """Of `tune spaces`."""
    from search_spaces import SEARCH_SPACES
    from search_spaces.family import Task
    from tuner.registry import reference, resolve

    task = Task((28, 28, 1), 10, 50_000)
    shown = SEARCH_SPACES if only is None else {only: reference("search space", only, SEARCH_SPACES)}
    families = {name: resolve(target) for name, target in shown.items()}
    return {
        "image_shape": list(task.image_shape),
        "spaces": [
            {"name": name, "summary": family.summary, "parameters": family.space(task).to_json()}
            for name, family in families.items()
        ],
    }


def baselines() -> dict[str, Any]:
    """Of `tune baselines`."""
    from tuner.baselines import BASELINES
    from tuner.ending.contenders import FROM_SCRATCH, SCRATCH_SUMMARY
    from tuner.registry import resolve

    told = ("summary", "source", "published", "changes", "published_epochs")
    found = [resolve(target) for target in BASELINES.values()]
    rows = [{"name": each.name, **{key: getattr(each, key) for key in told}} for each in found]
    own = {"summary": SCRATCH_SUMMARY, "source": "", "published": "", "changes": "", "published_epochs": 0}
    return {"baselines": [*rows, {"name": FROM_SCRATCH, **own}]}


def status(run_dir: RunDir, trial: int | None) -> dict[str, Any]:
    """Of `tune status`."""
    from tuner.files import read_json
    from tuner.run.status import as_json

    found = as_json(run_dir, trial)
    if trial is not None:
        return found
    path = run_dir.path / "report.json"
    report = read_json(path) if path.exists() else {}
    final = (report.get("final") or {}) if report.get("state") == "done" else {}
    return {
        **found,
        "test_accuracy": final.get("test_accuracy"),
        "saved_model": final.get("shipped"),
        "comparison": report["comparison"] if final else [],
    }


def compare(runs: Sequence[RunDir], out: Path) -> dict[str, Any]:
    """Of `tune compare`."""
    from reports.pairs import differing_as_json, paired_as_json
    from tuner.cli.commands import compared

    found, damaged = compared(runs, out)
    paths = [row.path for row in found]
    return {
        "runs": [row.to_json() for row in found],
        "unreadable": [{"path": str(path), "error": str(error)} for path, error in damaged],
        "differing_options": differing_as_json(paths),
        "pairs": paired_as_json(paths),
    }
