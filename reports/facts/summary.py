"""The facts of one run directory, whatever of it there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reports.facts.arrays import read_arrays
from reports.facts.curves import Curve, read_curves
from reports.facts.dataset import DatasetFacts, dataset_facts
from reports.facts.final import Final, evaluate
from reports.facts.images import (
    Looked,
    Shown,
    left_unlooked,
    read_augmented,
    read_doubtful,
    read_looked,
    read_shown,
)
from reports.facts.journal import read_search
from reports.facts.missing import missing
from reports.facts.parameters import Parameter, as_parameter
from reports.facts.trials import Search
from tuner.errors import DataError, UsageError
from tuner.files import read_json
from tuner.run_dir import RunDir


@dataclass(frozen=True)
class RunSummary:
    """Everything that a report says, as facts.

    Attributes:
        path: of the run directory.
        state: "searching", "finishing", "done" or "interrupted".
        config: the options of the run, by name.
        epochs: the most epochs that a trial could use, as the plan of the run decided.
        notes: sentences on what it decided.
        seconds: wall-clock seconds by stage.
        device_seconds: seconds of all trainings on all slots together.
        disk_bytes: size of the run directory.
        final: None until the run has retrained its winner.
        audit: of the data; None if it is missing.
        shown: test images to show, random ones first; empty without predictions.
        looked: some of them, with the places that the model's answer depends on; empty where that was not
            asked.
        unlooked: whether it was to be asked, and has no answer.
        augmented: (versions + 1, images, height, width, channels): some training images as they are, then
            as the winner's augmentation changes them; None for a model without any.
        test_names: the file or row of each test image; empty in runs of earlier versions.
        doubtful: training images whose label is hard or wrong; None without any.
        missing: sentences on what the run directory lacks.
    """

    path: Path
    name: str
    version: str
    created: str
    command: str
    state: str
    config: Mapping[str, Any]
    dataset: DatasetFacts
    space: str
    why_space: str
    parameters: tuple[Parameter, ...]
    environment: Mapping[str, Any]
    epochs: int
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    finalists: tuple[Mapping[str, Any], ...]
    device_seconds: float
    disk_bytes: int
    search: Search
    final: Final | None
    curves: tuple[Curve, ...]
    audit: Mapping[str, Any] | None
    shown: tuple[Shown, ...]
    test_names: tuple[str, ...]
    looked: tuple[Looked, ...]
    unlooked: bool
    augmented: NDArray[np.uint8] | None
    doubtful: NDArray[np.uint8] | None
    missing: tuple[str, ...]

    def test_name(self, image: int) -> str:
        """The file or row of a test image, or where they are not known its number, which counts from 0."""
        return self.test_names[image] if image < len(self.test_names) else f"test image {image}"

    @property
    def metric(self) -> str:
        """The metric that the search maximised."""
        return str(self.config.get("metric", "accuracy"))

    @classmethod
    def load(cls, run_dir: Path | str) -> Self:
        """Reads a run directory, finished or not.

        Raises:
            UsageError: there is no run directory at that place.
            DataError: a file in it is not what it should be.
        """
        files = RunDir(Path(run_dir))
        if not files.run.is_file():
            raise UsageError(f"{str(run_dir)!r} is not a run directory: it has no run.json")
        run = read_json(files.run)
        try:
            return cls._from(files, run)
        except (KeyError, TypeError, IndexError) as error:
            raise DataError(
                f"the files of {files.path} do not fit together: {type(error).__name__} {error}\nexpected "
                "what tune writes; run the same tune command again"
            ) from error

    @classmethod
    def _from(cls, files: RunDir, run: Mapping[str, Any]) -> Self:
        space, plan = run.get("space") or {}, run.get("plan") or {}
        dataset = dataset_facts(run["dataset"], plan)
        arrays = read_arrays(files.predictions)
        final_json = read_json(files.final) if files.final.exists() else None
        final = evaluate(final_json, arrays, dataset.class_names, dataset.held_out) if final_json else None
        curves = read_curves(files.histories)
        search = read_search(files.journal, run.get("search") or {})
        trained = sum(trial.seconds or 0.0 for trial in search.trials) + sum(c.seconds for c in curves)
        shown = read_shown(files.images, arrays, final)
        return cls(
            path=files.path,
            name=run["name"],
            version=run.get("version", ""),
            created=run.get("created", ""),
            command=run.get("command", ""),
            state=run.get("state", "interrupted"),
            config=run.get("config") or {},
            dataset=dataset,
            space=str(space.get("name", "")),
            why_space=str(run.get("why_space") or ""),
            parameters=tuple(as_parameter(p) for p in space.get("parameters", ())),
            environment=run.get("environment") or {},
            epochs=int(plan.get("epochs") or (run.get("config") or {}).get("epochs") or 0),
            notes=tuple(plan.get("notes", ())),
            seconds={**(run.get("seconds") or {})},
            finalists=tuple(run.get("finalists") or ()),
            device_seconds=float(trained),
            disk_bytes=sum(f.stat().st_size for f in files.path.rglob("*") if f.is_file()),
            search=search,
            final=final,
            curves=curves,
            audit=read_json(files.audit) if files.audit.exists() else None,
            shown=shown,
            looked=read_looked(files.images, shown),
            unlooked=left_unlooked(files.images),
            test_names=tuple(read_json(files.names)["test"]) if files.names.exists() else (),
            augmented=read_augmented(files.images),
            doubtful=read_doubtful(files.images),
            missing=missing(files, run, search, final),
        )
