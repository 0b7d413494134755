"""The files of work items on a machine that does not see the parent's disk: what goes there, and comes back.

    <temporary directory>/tune-nodes-<user>/
        cache/datasets/<name>-<fingerprint>/    as in the parent's cache: mapped by all workers of the machine
        cache/features/<digest>/
        files/<digest>/<name>                   files of the user's own, and weights: named by their content
        runs/<number of the process>-<worker>/  one for each worker, like a run directory; gone when it ends

Paths of a `Parcel` are relative to that folder, or start with "run/", which is the worker's own.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from search_spaces.family import Family
from tuner.baselines.own import as_baseline
from tuner.files import write_atomically
from tuner.records import TrialSpec, WorkContext
from tuner.registry import resolve
from tuner.run_dir import RunDir
from tuner.training.data import Inputs
from tuner.training.features import store_of

ARRAYS = (
    "dataset.json", "train_images.npy", "train_labels.npy", "train_groups.npy", "test_images.npy",
)  # fmt: skip
"""The files of a prepared data set that workers read. The test labels are not among them."""

RUN = "run/"
FEATURES = "cache/features"
KEPT = ("cache/datasets", FEATURES, "files")

UNUSED_DAYS = 7
"""After which a node forgets images, features and files."""

LEFT_DAYS = 1
"""After which it removes what a killed agent has left: one in another container only seems to be gone."""


@dataclass(frozen=True)
class Parcel:
    """A file on its way to a machine.

    Attributes:
        path: where it goes.
        content: its bytes, or what `fetch` makes them from.
    """

    path: str
    content: Any


@dataclass(frozen=True)
class Source:
    """A file of the parent's that a work item needs."""

    path: str
    file: Path

    @property
    def shared(self) -> bool:
        """Whether it is the same for all workers, and never changes."""
        return not self.path.startswith(RUN)


def dataset_path(context: WorkContext) -> str:
    """Where the prepared data set of a run is, there."""
    return f"cache/datasets/{Path(context.dataset_dir).name}"


def of_run(context: WorkContext) -> Iterator[Source]:
    """The files that every worker needs."""
    folder = Path(context.dataset_dir)
    for name in ARRAYS:
        if (folder / name).exists():
            yield Source(f"{dataset_path(context)}/{name}", folder / name)
    splits = RunDir(Path(context.run_dir)).splits
    if splits.exists():
        yield Source(f"{RUN}{splits.name}", splits)


def of_item(spec: TrialSpec, key: str, context: WorkContext) -> Iterator[Source]:
    """The files that a work item needs beside those."""
    run = RunDir(Path(context.run_dir))
    own = [run.checkpoint(key)] if spec.resume_from else []
    for path in [*own, *map(run.fitted_model, spec.members)]:
        if path.exists():
            yield Source(f"{RUN}{path.relative_to(run.path)}", path)
    if file := spec.own_file:
        yield Source(named_by_content(file), file)
    if spec.purpose not in {"features", "preview", "occlusion"}:
        yield from _features(spec, context)


def named_by_content(file: Path) -> str:
    """Where a file goes that is known by its content."""
    with file.open("rb") as content:
        return f"files/{hashlib.file_digest(content, 'sha256').hexdigest()[:32]}/{file.name}"


def _features(spec: TrialSpec, context: WorkContext) -> Iterator[Source]:
    target = resolve(spec.model)
    family = target if isinstance(target, Family) else as_baseline(target, spec.model).family
    if family is None or family.features is None:
        return
    folder = Path(context.dataset_dir)
    there = store_of(family.features, spec.params, folder, Inputs.pixels_of(folder).shape)
    for directory in there.directories:
        for file in sorted(directory.glob("[!.]*")):
            yield Source(f"{FEATURES}/{directory.name}/{file.name}", file)


def target(path: str, context: WorkContext) -> Path:
    """Where the parent keeps a file that came back."""
    if path.startswith(RUN):
        return Path(context.run_dir) / path.removeprefix(RUN)
    return Path(context.dataset_dir).parent.parent / path.removeprefix("cache/")


def root() -> Path:
    """The folder of all that workers of this user have on a node."""
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir()) / f"tune-nodes-{user}"


def kept() -> list[Path]:
    """What is kept on a node between two runs."""
    return [path for folder in KEPT for path in sorted((root() / folder).glob("*"))]


def clear_away() -> None:
    """Removes what no run has used for `UNUSED_DAYS`, and what agents that were killed have left."""
    import psutil

    left = (root() / "runs").glob("*-*")
    gone = [path for path in left if not psutil.pid_exists(int(path.name.partition("-")[0]))]
    for days, paths in ((LEFT_DAYS, gone), (UNUSED_DAYS, kept())):
        for path in paths:
            with suppress(FileNotFoundError):  # another agent is clearing away, too
                if time.time() - path.stat().st_mtime > days * 86_400:
                    shutil.rmtree(path, ignore_errors=True)


class Place:
    """A worker's folders on the machine that it runs on.

    Args:
        name: of the worker, of its own on that machine.
        fetch: makes bytes of a parcel's content.
    """

    def __init__(self, name: str, fetch: Callable[[Any], Any]) -> None:
        self.root = root()
        self.run = self.root / "runs" / name
        self._fetch = fetch
        self._known: dict[Path, tuple[int, int]] = {}
        self.run.mkdir(parents=True, exist_ok=True)

    def here(self, path: str) -> Path:
        """Where a parcel goes, or is."""
        return self.run / path.removeprefix(RUN) if path.startswith(RUN) else self.root / path

    def take(self, parcels: list[Parcel]) -> None:
        """Writes parcels; what all workers share is fetched once, by whoever is first."""
        for parcel in parcels:
            path = self.here(parcel.path)
            if parcel.path.startswith(RUN):
                self._write(path, parcel)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            os.utime(path.parent)  # it is in use: see `clear_away`
            if not path.exists():
                with FileLock(path.with_name(f".{path.name}.lock")):
                    if not path.exists():
                        self._write(path, parcel)

    def _write(self, path: Path, parcel: Parcel) -> None:
        content = memoryview(self._fetch(parcel.content))
        write_atomically(path, lambda file: file.write(content))

    def begin(self) -> None:
        """Remembers what is there before a work item."""
        self._known = {path: _changed(path) for path in self._own()}

    def written(self, *, features: bool) -> list[Parcel]:
        """The files that a work item has written, then removed from the worker's own folder.

        Args:
            features: whether the item was to compute features; then the facts of these come, too.
        """
        found = [path for path in self._own() if self._known.get(path) != _changed(path)]
        if features:
            found += [path.with_name("facts.json") for path in found if path.parent.parent.name == "features"]
        parcels = []
        for path in dict.fromkeys(found):
            inside = path.is_relative_to(self.run)
            name = f"{RUN}{path.relative_to(self.run)}" if inside else str(path.relative_to(self.root))
            with suppress(FileNotFoundError):  # pieces that another worker has joined meanwhile
                parcels.append(Parcel(name, path.read_bytes()))
        for path in self._own():
            if path.is_relative_to(self.run):
                path.unlink(missing_ok=True)
        return parcels

    def _own(self) -> list[Path]:
        """Files that work items write: of the run, and pieces of features."""
        kept = [*self.run.glob("fits/[!.]*"), *self.run.glob("checkpoints/[!.]*")]
        return kept + list((self.root / FEATURES).glob("*/[!.]*-*.npy"))


def _changed(path: Path) -> tuple[int, int]:
    with suppress(FileNotFoundError):
        facts = path.stat()
        return facts.st_mtime_ns, facts.st_size
    return 0, 0
