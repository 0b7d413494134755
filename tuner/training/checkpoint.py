"""The whole state of a training under way, so that another process goes on with it bit for bit.

A `.keras` file leaves out the state of seed generators, so what is trained on from it differs in
dropout and augmentation. All else that decides the next epoch is a function of its number: the order
of the images (`TrainingData.batches`) and the learning rate.
"""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tuner.files import write_atomically

EPOCH = "epoch"

UNREADABLE = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)
"""Exceptions raised by reading a file that is empty, cut short or damaged, as after a power cut."""


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

    The model is as it was if the file is missing, damaged or of another epoch.

    Args:
        path: of the file; it need not exist.
        model: built as the one that was saved.
        epoch: epochs trained, that the file must be of.
    """
    if not path.exists():
        return False
    variables = _variables(model)
    try:
        with path.open("rb") as file, np.load(file) as saved:
            values = {name: saved[name] for name in saved.files}
    except UNREADABLE:
        return False
    if values.pop(EPOCH, None) != epoch or len(values) != len(variables):
        return False
    for i, variable in enumerate(variables):
        variable.assign(values[f"v{i}"])
    return True


def _variables(model: Any) -> list[Any]:
    """Weights, statistics and seeds of the layers; moments, averages and step of the optimizer."""
    return [*model.variables, *model.optimizer.variables]
