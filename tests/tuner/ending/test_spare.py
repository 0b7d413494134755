"""Which training a slot gets: the longest first, or one for later, on a clock of their own."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from tuner.display import Display
from tuner.ending.fits import Fit, Fits
from tuner.records import State, TrialResult, TrialSpec
from tuner.run_dir import RunDir
from tuner.workers.executors.base import Event, Finished


@dataclass
class Slots:
    """An executor of two slots, where a training takes as many seconds as it has epochs.

    Attributes:
        begun: when each model was begun.
        fails: models whose trainings fail.
    """

    now: float = 0.0
    begun: list[tuple[float, str]] = field(default_factory=list)
    fails: str = ""
    _ends: dict[int, tuple[float, TrialSpec]] = field(default_factory=dict)

    def clock(self) -> float:
        return self.now

    def free(self) -> list[int]:
        return [slot for slot in (0, 1) if slot not in self._ends]

    def device(self, slot: int) -> str:
        return "cpu"

    def submit(self, slot: int, spec: TrialSpec, key: str) -> None:
        self.begun.append((self.now, spec.model))
        self._ends[slot] = (self.now + spec.epochs, spec)

    def poll(self, timeout: float) -> Event | None:
        slot = min(self._ends, key=lambda slot: self._ends[slot][0])
        self.now, spec = self._ends.pop(slot)
        state: State = "failed" if spec.model in self.fails else "complete"
        return Finished(slot, spec, TrialResult(state, 1.0))

    def answer(self, slot: int, *, go_on: bool) -> None:
        """Nothing reports epochs."""

    def end_waits(self) -> None:
        """Nothing waits."""

    def cancel(self, slot: int) -> None:
        """Nothing is cancelled."""

    def memory(self) -> int:
        return 0

    def stop(self) -> None:
        """There is no process."""


def training(model: str, seconds: int) -> Fit:
    return Fit(model, TrialSpec(0, "retrain", model, {}, 0, None, -1, seconds))


def on(slots: Slots, path: Path) -> Fits:
    out = Display(Console(quiet=True))
    return Fits(RunDir(path / "run"), "", path / "cache", slots, out, lambda: False, slots.clock)


def test_a_stage_waits_for_its_own_and_the_next_goes_on_with_the_rest(tmp_path: Path) -> None:
    slots = Slots()
    fits, long, short, later = on(slots, tmp_path), training("a", 10), training("b", 4), training("c", 10)
    assert fits.do("first", [long, short], spare=[later])
    assert (slots.now, slots.begun[2:]) == (10, [(4, "c")])
    assert fits.result(later) is None
    assert fits.do("second", [training("d", 2), later])
    assert (slots.now, slots.begun[3:]) == (14, [(10, "d")])
    assert fits.result(later) is not None


def test_nothing_is_begun_once_all_that_is_waited_for_has_ended(tmp_path: Path) -> None:
    slots = Slots()
    fits = on(slots, tmp_path)
    assert fits.do("first", [training("a", 3)], spare=[training(name, 2) for name in "bcd"])
    assert slots.begun == [(0, "a"), (0, "b"), (2, "c")]


def test_a_spare_training_that_fails_is_not_begun_again(tmp_path: Path) -> None:
    slots = Slots(fails="b")
    fits = on(slots, tmp_path)
    assert fits.do("first", [training("a", 9)], spare=[training("b", 2), training("c", 2)])
    assert slots.begun == [(0, "a"), (0, "b"), (2, "c")]


def test_the_longest_come_first_by_what_is_known_of_their_models(tmp_path: Path) -> None:
    slots = Slots()
    fits = on(slots, tmp_path)
    fits.pace = {"slow": 2.0, "fast": 0.5}
    fits.starting = {"fast": 3.0}
    waiting = [training("fast", 8), training("unknown", 9), training("slow", 3), training("slow", 4)]
    assert fits.do("first", fits.longest_first(waiting))
    assert [model for _, model in slots.begun] == ["slow", "fast", "slow", "unknown"]


def test_a_training_without_its_model_is_not_waited_for_where_the_model_is_wanted(tmp_path: Path) -> None:
    slots = Slots()
    fits, spare = on(slots, tmp_path), training("b", 4)
    saved = Fit("b", TrialSpec(0, "retrain", "b", {}, 0, None, -1, 4, save=True))
    assert fits.do("first", [training("a", 1)], spare=[spare])
    assert fits.do("second", [saved])
    assert slots.begun == [(0, "a"), (0, "b"), (1, "b")]
