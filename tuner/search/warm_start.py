"""A good start: the winners of earlier runs, on data that are much like these, are tried first.

Nothing but their configurations is taken, which were chosen on validation data; what they scored on
test images is not looked at.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.family import Task
from search_spaces.space import ParamValue, SearchSpace
from tuner.errors import TuneError, UsageError
from tuner.files import read_json
from tuner.records import Record
from tuner.run_dir import RunDir, find_run, is_set_aside
from tuner.run_json import RunRecord
from tuner.search.engines import points

AUTO = "auto"
MOST = 5
"""Runs that `auto` takes: a quarter of the trials of a search as long as the default. The nearest come
first, so that more of them would tell less and less, and the sampler needs trials of its own."""


@dataclass(frozen=True)
class Start(Record):
    """A configuration to try first, as `run.json` keeps it.

    Attributes:
        run: whose winner it was.
        params: all parameters of our space.
        distance: of that run's data from ours; see `distance`.
    """

    run: str
    params: dict[str, ParamValue]
    distance: float


@dataclass(frozen=True)
class Earlier:
    """An earlier run.

    Attributes:
        name: of the run.
        params: of its winner.
        features: of its data.
    """

    name: str
    params: dict[str, Any]
    features: tuple[float, ...]


def find(
    names: Sequence[str], out: Path, own: Path, task: Task, space: SearchSpace, say: Callable[[str], None]
) -> list[Start]:
    """The configurations that a new run is to try first, the nearest run first.

    Args:
        names: run directories, names of runs in `out`, or "auto".
        out: where runs are.
        own: the directory of the new run.
        task: of the new run.
        space: of the new run. Values of other spaces are moved into it.
        say: prints which configurations are taken, and which are not.

    Raises:
        UsageError: a named run does not exist, has no winner, or shares no parameter with the space.
    """
    runs = {path.resolve(): _named(name, path, space) for name, path in _paths(names, out)}
    if AUTO in names:
        runs = dict(_beside(out, own, task, space)) | runs
        if not runs:
            say(f"warm start: no finished run in {out} shares parameters with {space.name}; none is used")
    ours = features(task.train_images, task.classes, task.image_shape)
    near = sorted(runs.values(), key=lambda run: (distance(run.features, ours), run.name))
    tried = {points.key(space.default())}
    starts = []
    for run in near:
        params, apart = space.adapt(run.params), distance(run.features, ours)
        if points.key(params) in tried:
            say(f"warm start: the winner of {run.name} is in the search already")
            continue
        tried.add(points.key(params))
        starts.append(Start(run.name, params, round(apart, 3)))
        say(f"warm start: the winner of {run.name} is trial {len(starts)} (its data are {apart:.1f} away)")
    return starts


def features(images: int, classes: int, image_shape: Sequence[int]) -> tuple[float, ...]:
    """Features of data that are known before any training: doublings of images, classes, pixels; channels."""
    height, width, channels = image_shape
    return math.log2(images), math.log2(classes), math.log2(height * width), float(channels)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Between the features of two data sets: 1 where one has twice the images and all else is alike."""
    return math.dist(one, other)


def _paths(names: Sequence[str], out: Path) -> list[tuple[str, Path]]:
    found = []
    for name in names:
        if name != AUTO:
            try:
                found.append((name, find_run(Path(name), out).path))
            except UsageError as error:
                raise UsageError(f"--warm-start: {error}") from None
    return found


def _named(name: str, path: Path, space: SearchSpace) -> Earlier:
    run = _read(RunDir(path))
    if run is None:
        raise UsageError(
            f"--warm-start {name}: this run has no winner yet\nthe command that began it continues it"
        )
    if not _shared(run, space):
        raise UsageError(f"--warm-start {name}: its space shares no searched parameter with {space.name}")
    return run


def _beside(out: Path, own: Path, task: Task, space: SearchSpace) -> list[tuple[Path, Earlier]]:
    """The finished runs in a directory whose data are most like ours."""
    found = []
    for path in sorted(file.parent.resolve() for file in out.glob("*/run.json")):
        if path == own.resolve() or is_set_aside(path):
            continue
        run = _read(RunDir(path), finished=True)
        if run is not None and _shared(run, space):
            found.append((path, run))
    ours = features(task.train_images, task.classes, task.image_shape)
    return sorted(found, key=lambda each: (distance(each[1].features, ours), each[1].name))[:MOST]


def _read(run: RunDir, *, finished: bool = False) -> Earlier | None:
    """The facts wanted of a run, None where it has no winner or cannot be read."""
    try:
        told, final = RunRecord.read(run.run), read_json(run.final)
        if finished and told.state != "done":
            return None
        (winner,) = [model for model in final["models"] if model["kind"] == "winner"]
        data = told.dataset
        about = features(data.n_train, len(data.class_names), data.image_shape)
        return Earlier(told.name, winner["params"], about)
    except (OSError, TuneError, ValueError, KeyError, TypeError):
        return None


def _shared(run: Earlier, space: SearchSpace) -> bool:
    return bool(run.params.keys() & space.searched().keys())
