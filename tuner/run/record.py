"""`run.json`: what a run directory says of itself, and whether a second command may go on with it."""

import platform
import shlex
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import seeds
from tuner.config import RunConfig
from tuner.datasets.base import Dataset
from tuner.datasets.splits import group_folds, search_folds
from tuner.errors import UsageError
from tuner.run.preparation import Prepared
from tuner.workers import devices

SCHEMA_VERSION = 1

PACKAGES = ("keras", "tensorflow", "jax", "torch", "optuna", "keras-tuner", "numpy", "pandas", "scikit-learn")

STAGES = ("setup", "search", "finalists", "retraining", "report")


def new(
    config: RunConfig, prepared: Prepared, path: Path, command: list[str], precision: str
) -> dict[str, Any]:
    """The `run.json` of a run that starts.

    Args:
        config: what is asked.
        prepared: the data and all that names stand for.
        path: the run directory.
        command: the command line that does the run again.
        precision: Keras' dtype policy.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "version": version("tune-images"),
        "name": path.name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "command": shlex.join(command),
        "config": config.to_json(),
        "dataset": _dataset(prepared.dataset, config.seed),
        "space": {"name": prepared.space.name, "parameters": prepared.space.to_json()},
        "environment": _environment(prepared, precision),
        "plan": None,
        "ends": None,
        "seconds": dict.fromkeys(STAGES, 0.0),
        "search": {
            "seconds": 0.0,
            "epochs_trained": 0,
            "images_trained": 0,
            "images_per_second": 0.0,
            "stopped_by": None,
        },
        "state": "searching",
    }


def check_agreement(earlier: dict[str, Any], now: dict[str, Any], config: RunConfig, path: Path) -> None:
    """Refuses to go on with a run that was another one.

    Raises:
        UsageError: naming what differs, and the ways out.
    """
    where = f"{path} holds another run"
    way_out = "use the same options, --name for a run beside it, or --fresh to set it aside"
    if earlier.get("schema_version") != SCHEMA_VERSION:
        found = earlier.get("schema_version")
        raise UsageError(f"{where}: its format is version {found!r}, expected {SCHEMA_VERSION}\n{way_out}")
    if earlier["dataset"]["fingerprint"] != now["dataset"]["fingerprint"]:
        raise UsageError(f"{where}: it was made from other data ({earlier['dataset']['name']})\n{way_out}")
    differing = config.disagreements(earlier["config"])
    if differing:
        raise UsageError(f"{where}: {', '.join(differing)}\n{way_out}")
    if earlier["space"] != now["space"]:
        changed = _changed(earlier["space"]["parameters"], now["space"]["parameters"])
        named = f"--space {config.space}" if config.space else f"its search space {now['space']['name']}"
        raise UsageError(f"{where}: {named} has changed since ({changed})\n{way_out}")


def _changed(earlier: list[dict[str, Any]], now: list[dict[str, Any]]) -> str:
    """The parameters whose ranges or defaults are not the same in two spaces."""
    before, after = ({row["name"]: row for row in rows} for rows in (earlier, now))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(names) or "another order"


def splits(dataset: Dataset, seed: int) -> dict[str, NDArray[np.int8]]:
    """The fold of each training image: in the search, and in the fresh split of the finalists."""
    labels, groups = dataset.train_labels, dataset.train_groups
    count = search_folds(len(labels))
    return {
        name: group_folds(labels, groups, count, seeds.derive(seed, "split", name)).astype(np.int8)
        for name in ("search", "fresh")
    }


def _dataset(dataset: Dataset, seed: int) -> dict[str, Any]:
    held_out = splits(dataset, seed)["search"] == 0
    train, test = dataset.train_groups, dataset.test_groups
    return {
        "name": dataset.name,
        "fingerprint": dataset.fingerprint,
        "image_shape": list(dataset.image_shape),
        "class_names": list(dataset.class_names),
        "n_train": len(train),
        "n_validation": int(held_out.sum()),
        "n_test": len(test),
        "noun": dataset.traits.noun,
        "duplicate_groups": {
            "train": len(np.unique(train)),
            "validation": len(np.unique(train[held_out])),
            "test": len(np.unique(test)),
        },
        "leaked_test_images": int(np.isin(test, train).sum()),
    }


def _environment(prepared: Prepared, precision: str) -> dict[str, Any]:
    found = {slot.device.name: slot.device for slot in prepared.slots}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "backend": devices.backend(),
        "precision": precision,
        "versions": versions(),
        "devices": [{"name": d.name, "kind": d.kind, "description": d.description} for d in found.values()],
        "workers": len(prepared.slots),
    }


def versions() -> dict[str, str]:
    """Installed versions of the packages that decide results."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def identity(run: dict[str, Any]) -> str:
    """All that decides the result of a training, beside the work item itself."""
    config, environment = run["config"], run["environment"]
    parts = (
        run["dataset"]["fingerprint"],
        run["version"],
        environment["backend"],
        environment["precision"],
        environment["versions"]["keras"],
        environment["versions"].get(environment["backend"], ""),
        *(config[key] for key in ("seed", "metric", "class_weights")),
    )
    return " ".join(map(str, parts))
