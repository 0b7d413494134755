"""`tune export`: a saved model in other formats."""

import sys
from pathlib import Path

from tuner.errors import UsageError
from tuner.use.description import Place
from tuner.use.exports.export import PARITY, export, line

DISAGREES = 1
"""Exit code where an export disagreed with Keras and was removed."""


def write(place: Place, names: str, quantize: str | None, to: Path | None) -> int:
    """Writes the formats, and says how each compares with Keras."""
    formats = list(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if not formats:
        raise UsageError("--to: expected formats, as onnx or litert,openvino")
    folder = to or (place.folder if place.run is None else place.run) / "exports"
    removed = compared = False
    for exported in export(place, formats, quantize, folder):
        sys.stdout.write(line(exported) + "\n")
        sys.stdout.flush()
        removed |= exported.removed
        compared |= exported.parity is not None
    if compared:
        sys.stdout.write(f"comparison: {folder / PARITY}\n")
    return DISAGREES if removed else 0
