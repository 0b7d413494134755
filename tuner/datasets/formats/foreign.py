"""Formats that are not read: named, with the lines that convert them."""

from collections.abc import Sequence
from pathlib import Path

from tuner.datasets.formats.files import Entry
from tuner.errors import DataError

_SAVE = "numpy.savez('data.npz', x=images, y=labels)"
_FOREIGN = {
    (".7z", ".rar"): ("a packed archive", "unpack it first, then name the folder"),
    (".arrow", ".feather"): (
        "Arrow",
        "d = datasets.load_from_disk('FOLDER'), or Dataset.from_file('FILE')\nd.to_parquet('train.parquet')",
    ),
    (".pkl", ".pickle", ".pt", ".pth"): (
        "Python pickles, which run code when they are read",
        f"load it yourself where you trust it\n{_SAVE}",
    ),
    (".tfrecord", ".tfrecords"): ("TFRecord", f"read it with TensorFlow\n{_SAVE}"),
}


def refuse_foreign(path: Path, entries: Sequence[Entry]) -> None:
    """Raises where files are of a format that is known but not read, and nothing else could be read."""
    if any(
        entry.base.endswith((".csv", ".npz", ".tsv", ".txt", ".npy")) or "-ubyte" in entry.base
        for entry in entries
    ):
        return
    for suffixes, (what, how) in _FOREIGN.items():
        for entry in entries:
            if entry.name.lower().endswith(suffixes):
                raise DataError(f"{path}: {entry.name} is {what}, which is not read directly\n{how}")
