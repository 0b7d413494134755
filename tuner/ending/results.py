"""All that the end of a run found, before it is published."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.base import Dataset
from tuner.ending.contenders import Contender
from tuner.ending.finalists import Finalist
from tuner.ending.fits import Done
from tuner.run_dir import RunDir


@dataclass(frozen=True)
class Results:
    """All that the end of a run found.

    Attributes:
        contenders: the winner first, by name; so are the following.
        epochs: of the retraining.
        folds: trainings on fresh folds.
        retrainings: on all training images, by seed.
        less_data: the winner's trainings on a share of the groups.
        preview: what its augmentation does, if that was asked for.
        saved: the model that is saved; None where it is the winner's first seed's, as it was trained.
        ranking: the finalists, best first.
        cut: a sentence for each thing that was left out.
        seconds: by stage.
    """

    contenders: dict[str, Contender]
    epochs: dict[str, int]
    folds: dict[str, list[Done]]
    retrainings: dict[str, list[Done]]
    less_data: list[Done]
    preview: list[Done]
    saved: Done | None
    ranking: list[Finalist]
    cut: list[str]
    seconds: dict[str, float]

    @property
    def shipped(self) -> Done:
        """The model that is to be used."""
        return self.saved or self.retrainings["tuned"][0]

    def shipped_facts(self) -> dict[str, Any]:
        """Of it: the seeds it averages, its weights, milliseconds an image, temperature."""
        done = self.shipped
        return {
            "seeds": len(done.spec.members) or 1,
            "parameters": done.result.parameters,
            "latency_ms": done.result.latency_ms,
            "temperature": done.spec.temperature,
        }


def probabilities(run: RunDir, done: Done) -> NDArray[Any]:
    """That a training has predicted: (images, classes)."""
    with np.load(run.path / done.result.output) as saved:
        found: NDArray[Any] = saved["probabilities"]
    return found


def out_of_fold(
    folds: Sequence[Done], run: RunDir, dataset: Dataset
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Labels and groups of some fresh folds, and probabilities by models that were not trained on them."""
    with np.load(run.splits) as splits:
        rows = [np.flatnonzero(splits["fresh"] == done.spec.fold) for done in folds]
    seen = np.concatenate(rows)
    said = np.concatenate([probabilities(run, done) for done in folds])
    return said, dataset.train_labels[seen], dataset.train_groups[seen]
