"""CIFAR-10 and CIFAR-100 as their Python batches: pickles, read without running any code of theirs."""

import io
import pickle
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tuner.datasets.base import DataOptions, Progress, RawData, Traits
from tuner.datasets.formats.arrays import assemble
from tuner.datasets.formats.files import Entry, Listing, Reader, refusing
from tuner.datasets.formats.parts import Part
from tuner.datasets.formats.pixel_order import arranged
from tuner.datasets.reading import Left, counted
from tuner.errors import DataError

_MODULES = {"numpy", "numpy.core.multiarray", "numpy._core.multiarray", "_codecs"}
_NAMES = {"_reconstruct", "ndarray", "dtype", "encode"}
_SHAPE = (32, 32, 3)
_BATCH = re.compile(r"data_batch_\d+|train")
_TEST, _META = {"test_batch", "test"}, {"batches.meta", "meta"}
_MAX = 1 << 30


@dataclass(frozen=True)
class CifarSource:
    """The batches, those of training images first, and the file of class names if there is one."""

    name: str
    root: Path
    batches: tuple[Entry, ...]
    test: Entry | None
    meta: Entry | None
    left: tuple[Left, ...]
    summary: str = "CIFAR's Python batches"
    traits: Traits = Traits(flips=True)
    how: str = ""

    def files(self, options: DataOptions, progress: Progress) -> list[Entry]:
        """All of them."""
        return [*self.batches, *(entry for entry in (self.test, self.meta) if entry)]

    def read(self, files: list[Entry], options: DataOptions, progress: Progress) -> RawData:
        """Reads them; the labels of CIFAR-100 are the fine ones."""
        from dataclasses import replace

        with Reader() as reader:
            meta = _load(reader, self.meta) if self.meta else {}
            names = [_text(name) for name in meta.get("fine_label_names") or meta.get("label_names") or ()]
            parts = {"train": _part(reader, self.batches, names, options)}
            if self.test:
                parts["test"] = _part(reader, [self.test], names, options)
        raw = assemble(parts, options)
        reading = replace(raw.reading, unused=(*counted(self.left), *raw.reading.unused), used=len(files))
        return replace(raw, reading=reading)


def cifar_source(name: str, path: Path, listing: Listing) -> CifarSource | None:
    """The batches among files, by their names; None where there are none, or not their class names."""
    by_base = {entry.base: entry for entry in listing.entries}
    batches = tuple(by_base[base] for base in sorted(by_base) if _BATCH.fullmatch(base))
    meta = next((by_base[base] for base in _META if base in by_base), None)
    test = next((by_base[base] for base in _TEST if base in by_base), None)
    if not batches or meta is None:
        return None
    used = {*batches, meta, test}
    rest = [("files that are no part of this layout", e.name) for e in listing.entries if e not in used]
    return CifarSource(name, path, batches, test, meta, (*listing.left, *rest))


class _Plain(pickle.Unpickler):
    """Makes plain containers and arrays of numbers, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if module not in _MODULES or name not in _NAMES:
            raise ValueError(f"it asks for {module}.{name}, which could run code")
        return super().find_class(module, name)


def _load(reader: Reader, entry: Entry) -> dict[str, Any]:
    data = reader.read(entry, _MAX)
    with refusing(entry):
        try:
            found = _Plain(io.BytesIO(data), encoding="bytes").load()
        except (pickle.UnpicklingError, AttributeError, ImportError) as error:
            raise ValueError(str(error)) from None
    if not isinstance(found, dict):
        raise DataError(f"{entry} holds a {type(found).__name__}; expected a batch of CIFAR")
    return {_text(key): value for key, value in found.items()}


def _part(reader: Reader, batches: Sequence[Entry], names: Sequence[str], options: DataOptions) -> Part:
    images, labels, where = [], [], []
    for entry in batches:
        batch = _load(reader, entry)
        pixels: Any = batch.get("data")
        numbers: Any = batch.get("fine_labels") or batch.get("labels")
        good = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.shape[1:] == (3072,)
        if not good or not isinstance(numbers, list) or len(numbers) != len(pixels):
            raise DataError(f"{entry}: expected 'data' of 3,072 bytes an image, and as many 'labels'")
        images.append(pixels)
        labels += [int(number) for number in numbers]
        where += [f"{entry.name} row {i + 1}" for i in range(len(pixels))]
    if labels and names and not 0 <= min(labels) <= max(labels) < len(names):
        raise DataError(f"{batches[0]}: label {max(labels)}; expected 0 to {len(names) - 1}")
    found, order = arranged(np.concatenate(images), _SHAPE, options.pixel_order or "planes")
    texts = [names[label] if names else str(label) for label in labels]
    if order and options.pixel_order is None:
        order = replace(order, why="as CIFAR's batches have them")
    what = ", ".join(entry.name for entry in batches)
    source = "'fine_labels' or 'labels' of each batch"
    return Part(found, texts, None, what, labels_from=source, names=tuple(where), order=order)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
