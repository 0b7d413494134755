"""The record of a run as it begins or goes on, and whether a second command may go on with it."""

import platform
import shlex
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner import seeds, versions
from tuner.config import RunConfig
from tuner.datasets.base import Dataset
from tuner.datasets.splits import group_folds, search_folds
from tuner.errors import UsageError
from tuner.run.preparation import Prepared
from tuner.run_dir import RunDir
from tuner.run_json import DatasetRecord, EnvironmentRecord, RunRecord, SpaceRecord
from tuner.workers import devices


def new(config: RunConfig, prepared: Prepared, path: Path, command: list[str], precision: str) -> RunRecord:
    """The record of a run that starts.

    Args:
        config: what is asked.
        prepared: the data and all that names stand for.
        path: the run directory.
        command: the command line that does the run again.
        precision: Keras' dtype policy.
    """
    return RunRecord(
        version=version("tune-images"),
        name=path.name,
        created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        command=shlex.join(command),
        config=config.to_json(),
        dataset=dataset_record(prepared.dataset, config.seed),
        space=SpaceRecord(name=prepared.space.name, parameters=prepared.space.to_json()),
        environment=_environment(prepared, precision),
        state="searching",
        why_space=prepared.why,
    )


def resumed(earlier: RunRecord, now: RunRecord) -> RunRecord:
    """The record of a run that goes on: its past, and what is asked and installed now."""
    return replace(
        now,
        created=earlier.created,
        plan=earlier.plan,
        ends=earlier.ends,
        limits=earlier.limits,
        seconds=earlier.seconds,
        search=earlier.search,
        state=earlier.state,
        warm_start=earlier.warm_start,
        why_space=earlier.why_space,
        unknown=earlier.unknown,
    )


def check_agreement(
    earlier: RunRecord, now: RunRecord, config: RunConfig, directory: RunDir, dataset: Dataset
) -> None:
    """Refuses to go on with a run that was another one.

    Args:
        earlier: the record of the run.
        now: as it would be, if it began now.
        config: what is asked now.
        directory: of the run.
        dataset: as it is prepared now.

    Raises:
        UsageError: naming what differs, and the ways out.
    """
    where = f"{directory.path} holds another run"
    way_out = "use the same options, --name for a run beside it, or --fresh to set it aside"
    if earlier.dataset.fingerprint != now.dataset.fingerprint:
        raise UsageError(f"{where}: it was made from other data ({earlier.dataset.name})\n{way_out}")
    differing = config.disagreements(earlier.config)
    if differing:
        raise UsageError(f"{where}: {', '.join(differing)}\n{way_out}")
    if earlier.space != now.space:
        changed = _changed(earlier.space.parameters, now.space.parameters)
        named = f"--space {config.space}" if config.space else f"its search space {now.space.name}"
        raise UsageError(f"{where}: {named} has changed since ({changed})\n{way_out}")
    if not _same_splits(directory.splits, dataset, config.seed):
        why = "the version that began it grouped near-copies, and so split the images, in another way"
        raise UsageError(f"{where}: {why}\n{way_out}")


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


def _same_splits(path: Path, dataset: Dataset, seed: int) -> bool:
    """Whether the images are in the folds of `splits.npz`."""
    with np.load(path) as earlier:
        return all(np.array_equal(earlier[name], folds) for name, folds in splits(dataset, seed).items())


def dataset_record(dataset: Dataset, seed: int) -> DatasetRecord:
    """The data set as `run.json` has it; `seed` is that of the run's folds."""
    held_out = splits(dataset, seed)["search"] == 0
    train, test = dataset.train_groups, dataset.test_groups
    return DatasetRecord(
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        image_shape=list(dataset.image_shape),
        class_names=list(dataset.class_names),
        n_train=len(train),
        n_validation=int(held_out.sum()),
        n_test=len(test),
        noun=dataset.traits.noun,
        groups={
            "train": len(np.unique(train)),
            "validation": len(np.unique(train[held_out])),
            "test": len(np.unique(test)),
        },
        duplicate_groups=dataset.audit["duplicates"]["groups"],
        leaked_test_images=int(np.isin(test, train).sum()),
    )


def _environment(prepared: Prepared, precision: str) -> EnvironmentRecord:
    found = {slot.device.name: slot.device for slot in prepared.slots}
    return EnvironmentRecord(
        python=platform.python_version(),
        platform=platform.platform(),
        backend=devices.backend(),
        precision=precision,
        versions=versions.installed(),
        devices=[{"name": d.name, "kind": d.kind, "description": d.description} for d in found.values()],
        workers=len(prepared.slots),
    )


def identity(record: RunRecord) -> str:
    """All that decides the result of a training, beside the work item itself."""
    environment = record.environment
    parts = (
        record.dataset.fingerprint,
        record.version,
        environment.backend,
        environment.precision,
        environment.versions["keras"],
        environment.versions.get(environment.backend, ""),
        *(record.config[key] for key in ("seed", "metric", "class_weights")),
    )
    return " ".join(map(str, parts))
