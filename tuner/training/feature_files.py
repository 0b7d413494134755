"""Features on disk: written in pieces, each whole or not there at all, joined when all are there.

    <cache>/features/<digest>/<part>-<first image>.npy    pieces of a part that is not complete
    <cache>/features/<digest>/<part>.npy                  all of it: float16 (images, width), mapped by all
    <cache>/features/<digest>/facts.json                  width, parameters and pace of the network

The digest is of the data set, the network with its weights, the size of its input, and the view. Files
that are there are never written again, so that any number of processes and runs may share them. A process
that is killed loses the pieces that it was computing.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tuner.files import read_json, write_atomically, write_json

FORMAT = 1
"""Counts up when the same parts would be computed differently."""

PIECE = 256
"""Images of a piece: some seconds of work."""

STALE_SECONDS = 3600.0
"""Age from which a temporary file counts as left by a process that was killed."""

Part = Literal["train", "test"]


@dataclass(frozen=True)
class Facts:
    """The identity of a network.

    Attributes:
        width: features of an image.
        parameters: its weights.
        seconds: that an image took, in one thread.
    """

    width: int
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Piece:
    """Some images of a part, seen in one way.

    Attributes:
        directory: of the features.
        view: its number among the views of a configuration.
        part: of the data set.
        start, stop: the images.
    """

    directory: Path
    view: int
    part: Part
    start: int
    stop: int

    @property
    def path(self) -> Path:
        """Where its features are until the part is complete."""
        return self.directory / f"{self.part}-{self.start:08d}.npy"

    @property
    def done(self) -> bool:
        """Whether its features are there."""
        return self.path.exists() or _whole(self.directory, self.part).exists()

    def write(self, features: NDArray[np.float16]) -> None:
        """Writes its features."""
        write_atomically(self.path, lambda file: np.save(file, features))


@dataclass(frozen=True)
class Store:
    """The features that one configuration needs.

    Attributes:
        directories: one for each view; the first is the image itself.
        counts: images of each part.
    """

    directories: tuple[Path, ...]
    counts: Mapping[Part, int]

    def pieces(self) -> list[Piece]:
        """All of them, in the order in which they are computed: the images themselves come first."""
        return [
            Piece(directory, view, part, start, min(start + PIECE, self.counts[part]))
            for view, directory in enumerate(self.directories)
            for part in (("train", "test") if view == 0 else ("train",))
            for start in range(0, self.counts[part], PIECE)
        ]

    def missing(self) -> list[int]:
        """Which of the pieces are not there."""
        return [number for number, piece in enumerate(self.pieces()) if not piece.done]

    def load(self, view: int, part: Part) -> NDArray[np.float16]:
        """float16 (images, width), memory-mapped; its pieces are there, and are joined if need be."""
        directory = self.directories[view]
        whole = _whole(directory, part)
        if not whole.exists():
            own = [p for p in self.pieces() if (p.view, p.part) == (view, part)]
            try:
                _join([piece.path for piece in own], whole)
            except FileNotFoundError:  # another process has joined them meanwhile
                if not whole.exists():
                    raise
        mapped: NDArray[np.float16] = np.load(whole, mmap_mode="r")
        return mapped

    def facts(self) -> Facts | None:
        """The facts known of the network; they are there once a piece is."""
        path = self.directories[0] / "facts.json"
        return Facts(**read_json(path)) if path.exists() else None

    def tell(self, facts: Facts) -> None:
        """Keeps what is known of the network."""
        write_json(self.directories[0] / "facts.json", vars(facts))

    def clear_away(self) -> None:
        """Removes what processes that were killed had begun to write."""
        for directory in self.directories:
            for path in directory.glob(".*.tmp"):
                if time.time() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink(missing_ok=True)


def store(dataset_dir: Path, identity: Mapping[str, Any], views: tuple[Mapping[str, Any], ...]) -> Store:
    """The features of a prepared data set.

    Args:
        dataset_dir: of the data set, in the cache.
        identity: all that decides the features of an image.
        views: what is done to images before.
    """
    facts = read_json(dataset_dir / "dataset.json")
    told = {"data": facts["fingerprint"], "prepared": facts["format"], "format": FORMAT, **identity}
    root = dataset_dir.parent.parent / "features"
    counts: dict[Part, int] = {
        part: len(np.load(dataset_dir / f"{part}_images.npy", mmap_mode="r")) for part in ("train", "test")
    }
    return Store(tuple(root / _digest({**told, "view": dict(view)}) for view in views), counts)


def _digest(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def _whole(directory: Path, part: Part) -> Path:
    return directory / f"{part}.npy"


def _join(pieces: list[Path], whole: Path) -> None:
    """Puts pieces together, one in memory at a time."""
    parts = [np.load(piece, mmap_mode="r") for piece in pieces]
    shape = (sum(map(len, parts)), parts[0].shape[1])

    def write(file: Any) -> None:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
        for part in parts:
            file.write(np.ascontiguousarray(part, "<f2").tobytes())

    write_atomically(whole, write)
    for piece in pieces:
        piece.unlink(missing_ok=True)
