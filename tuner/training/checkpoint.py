"""The whole state of a training under way, so that another process goes on with it bit for bit.

A `.keras` file leaves out the state of seed generators, so what is trained on from it differs in
dropout and augmentation. All else that decides the next epoch is a function of its number: the order
of the images (`TrainingData.batches`) and the learning rate.
"""

from pathlib import Path
from typing import Any

import numpy as np

from tuner.run_dir import write_atomically

EPOCH = "epoch"


def save(path: Path, model: Any, epoch: int) -> None:
    """Writes an uncompressed `.npz` of all variables of the model and its optimizer: all of it or nothing.

    Args:
        path: of the file.
        model: a compiled Keras model.
        epoch: epochs trained so far.
    """
    named: dict[str, Any] = {f"v{i}": np.array(variable) for i, variable in enumerate(_variables(model))}
    named[EPOCH] = np.array(epoch)
    write_atomically(path, lambda file: np.savez(file, **named))


def restore(path: Path, model: Any, epoch: int) -> bool:
    """Gives a freshly compiled model the state of a file; returns whether the file had it.

    Args:
        path: of the file; it need not exist.
        model: built as the one that was saved.
        epoch: epochs trained, that the file must be of.
    """
    if not path.exists():
        return False
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = _variables(model)
    with np.load(path) as saved:
        if int(saved[EPOCH]) != epoch or len(saved.files) != len(variables) + 1:
            return False
        for i, variable in enumerate(variables):
            variable.assign(saved[f"v{i}"])
    return True


def _variables(model: Any) -> list[Any]:
    """Weights, statistics and seeds of the layers; moments, averages and step of the optimizer."""
    return [*model.variables, *model.optimizer.variables]
