"""The model that is to be used, copied into the run's `model/` with what lies beside it."""

import shutil
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from tuner.datasets.base import Dataset
from tuner.datasets.formats.values import Scale
from tuner.ending.results import Results
from tuner.files import write_atomically
from tuner.run_dir import RunDir
from tuner.training import temperature
from tuner.use import description
from tuner.use.looks import Looks
from tuner.use.unsure import HeldOut


def write(results: Results, run: RunDir, dataset: Dataset, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Copies the model that is to be used, and writes what lies beside it."""
    with run.fitted_model(results.shipped.key).open("rb") as model:
        write_atomically(run.model / description.MODEL, lambda file: shutil.copyfileobj(model, file))
    description.write(run.model, _description(results, dataset, arrays))
    run.ensemble.unlink(missing_ok=True)  # where an earlier version has put it


def _description(
    results: Results, dataset: Dataset, arrays: Mapping[str, NDArray[Any]]
) -> description.Description:
    """The files beside the model, so that it can be used without the rest of the run."""
    shipped = results.shipped_facts()
    folds = [
        (
            temperature.scaled(arrays[f"validation/tuned/{done.spec.fold}"], shipped["temperature"]),
            arrays[f"validation_labels/{done.spec.fold}"],
        )
        for done in results.folds["tuned"]
    ]
    sizes = dataset.audit["images"].get("original_sizes")
    return description.Description(
        image_shape=dataset.image_shape,
        labels=dataset.class_names,
        seeds=shipped["seeds"],
        dataset=dataset.name,
        looks=Looks.of(dataset.train_images, sizes),
        held_out=HeldOut.of(folds) if folds else None,
        scale=Scale.of_json(dataset.audit["scale"]) if dataset.audit.get("scale") else None,
    )
