"""Features before the search: every piece that is missing, through all workers, once."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from search_spaces.backbones.weights import WeightsError
from search_spaces.family import Family, Params
from tuner.display import Display
from tuner.errors import RunError
from tuner.records import TrialResult, TrialSpec
from tuner.run.preparation import Prepared
from tuner.training.feature_files import Store
from tuner.training.features import store_of
from tuner.workers.driver import Halt, Items, drive
from tuner.workers.executors.base import Executor


@dataclass
class _Pieces(Items):
    """Pieces of features; `tell` is told how many there are."""

    tell: Callable[[int], None] = field(kw_only=True)

    def done(self, slot: int, spec: TrialSpec, result: TrialResult, halt: Halt) -> None:
        """Counts it; raises `RunError` where it failed, as the others would."""
        if result.state == "failed":
            raise RunError(f"features of the images cannot be computed ({result.reason})\n{result.message}")
        if result.state == "complete":
            super().done(slot, spec, result, halt)
            self.tell(len(self.results))


@dataclass(frozen=True)
class Needed:
    """Features that are not there yet.

    Attributes:
        model: reference of the family.
        pieces: parameters and number of each piece, the images themselves before other views of them.
        images: how many images they are of, each counted once for every time it is computed.
        store: where those of one configuration are kept.
    """

    model: str
    pieces: tuple[tuple[Params, int], ...]
    images: int
    store: Store | None = None

    def seconds_an_image(self) -> float:
        """Seconds for an image on one worker; 0 before any was computed."""
        facts = None if self.store is None else self.store.facts()
        return 0.0 if facts is None else facts.seconds

    def compute(
        self, executor: Executor, display: Display, halt: Callable[[], Halt], most: int | None = None
    ) -> bool:
        """Computes them, or the first `most` of them; returns whether that was ended by nothing."""
        specs = [
            TrialSpec(number, "features", self.model, dict(params), 0, None, -1, 0)
            for params, number in self.pieces[:most]
        ]

        def tell(done: int) -> None:
            display.progress(f"features: {100 * done // len(specs)} %")

        work = _Pieces(deque((spec, "features") for spec in specs), tell=tell)
        drive(executor, work, halt, grace=0.0)
        return len(work.results) == len(specs)


def needed(prepared: Prepared, family: Family) -> Needed:
    """The missing features that trials may need; none for a family that uses no features.

    Raises:
        RunError: the weights that give them are not on this machine.
    """
    if family.features is None:
        return Needed(prepared.model, (), 0)
    found: list[tuple[int, Params, int]] = []
    images, there = 0, None
    for params in family.features.variants(prepared.space):
        try:
            there = store_of(
                family.features, params, prepared.dataset.directory, prepared.dataset.image_shape
            )
        except WeightsError as error:
            raise RunError(str(error)) from error
        there.clear_away()
        pieces = there.pieces()
        for number in there.missing():
            found.append((pieces[number].view, params, number))
            images += pieces[number].stop - pieces[number].start
    found.sort(key=lambda item: item[0])
    return Needed(prepared.model, tuple((params, number) for _, params, number in found), images, there)
