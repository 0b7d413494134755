"""The display of a run's progress: a live table in a terminal, plain lines elsewhere."""

import io
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from tuner.records import EpochReport, Outcome, PastTrial, TrialResult, TrialSpec

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live


PROGRESS_SECONDS = 3.0
REDRAW_SECONDS = 0.5
LINES = 8
"""Of those that were said last, in the area of a notebook."""

NOTEBOOKS = (
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "COLAB_RELEASE_TAG",
    "KAGGLE_KERNEL_RUN_TYPE",
    "DATABRICKS_RUNTIME_VERSION",
)
"""In the environment of a notebook's shell commands, whose pseudo-terminal redraws nothing."""

COUNTED = ("complete", "pruned", "failed", "paused")


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 10 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def redraws(stream: IO[str], environment: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal on which lines can be drawn again, and not what only looks like one."""
    if not stream.isatty() or any(environment.get(name) for name in NOTEBOOKS):
        return False
    return environment.get("TERM", "") not in {"", "dumb", "unknown"} or sys.platform == "win32"


def _on(device: str) -> str:
    """Where something was done, unless that is this machine's processor, as ever."""
    return f" on {device}" if device not in {"", "cpu"} else ""


@dataclass
class Display:
    """Shows the progress of a run.

    Attributes:
        console: where to; carries the decision between terminal and plain text.
        live: redraw a table in place.
        quiet: only warnings.
        scored: a score as the report prints it, by the run's metric.
        area: shows a text in place of the one before, as in a notebook: the state and the last lines. Then
            nothing but warnings goes to the console.
    """

    console: "Console"
    live: bool = False
    quiet: bool = False
    scored: Callable[[float], str] = "{:.4f}".format
    area: Callable[[str], None] | None = None
    _trials: int = 0
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    _best: tuple[float, int] | None = None
    _running: dict[int, str] = field(default_factory=dict)
    _left: Callable[[], float] = lambda: 0.0
    _whole: Callable[[], float] = lambda: 0.0
    _seconds_left: float = 0.0
    _ends_at: float = math.inf
    _fits: tuple[int, int] = (0, 0)
    _at_end: int = 0
    _ended: int = 0
    _end_began: float | None = None
    _stage: str = ""
    _said_until: int = 0
    _view: "Live | None" = None
    _progressed: float = field(default_factory=time.monotonic)
    _said_last: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))
    _drawn: float = 0.0

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Shows the live table while a run goes on, if it is to be shown."""
        if not self.live or self.quiet:
            yield
            return
        from rich.live import Live

        with Live(
            console=self.console, get_renderable=self._render, refresh_per_second=4, transient=True
        ) as view:
            self._view = view
            try:
                yield
            finally:
                self._view = None

    def say(self, line: str) -> None:
        """A line that stays."""
        if self.area is not None:
            self._said_last.append(line)
            self._draw(now=True)
        elif not self.quiet:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _draw(self, *, now: bool = False) -> None:
        """Draws the area again, unless it was drawn just before."""
        if self.area is None or (not now and time.monotonic() - self._drawn < REDRAW_SECONDS):
            return
        from rich.console import Console

        out = io.StringIO()
        if self._stage and self._running:
            Console(file=out, width=100, force_jupyter=False).print(self._render())
        self._drawn = time.monotonic()
        self.area("\n".join([*self._said_last, out.getvalue()]).rstrip())

    def progress(self, line: str) -> None:
        """A line on long work, unless the last one came less than `PROGRESS_SECONDS` ago."""
        if time.monotonic() - self._progressed >= PROGRESS_SECONDS:
            self._progressed = time.monotonic()
            self.say(line)

    def warn(self, line: str) -> None:
        """A line that even `--quiet` shows."""
        self.console.print(f"warning: {line}", markup=False, highlight=False, soft_wrap=True)

    def end_planned(self, trainings: int) -> None:
        """About so many trainings are still to come after the search."""
        self._at_end = trainings

    def must_end(self, at: float) -> None:
        """The run has a budget that ends at that `time.monotonic()`, whatever there is to do."""
        self._ends_at = at

    def _within_budget(self, seconds: float) -> float:
        return max(0.0, min(seconds, self._ends_at - time.monotonic()))

    def search_started(
        self,
        trials: int,
        past: list[PastTrial],
        paused: list[PastTrial],
        left: Callable[[], float],
        whole: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """The search begins.

        Args:
            trials: in all.
            past: that earlier sittings ended.
            paused: that wait.
            left: estimates the seconds that the search has left.
            whole: estimates the seconds that each training adds that comes after it; 0 while not known.
        """
        self._stage = "search"
        self._trials = trials
        self._left, self._whole = left, whole
        self._seconds_left = self._run_left()
        for trial in [*past, *paused]:
            self._count(trial.number, trial.outcome, trial.score if trial.feasible else None)
        if past or paused:
            waiting = f", {len(paused)} of them wait" if paused else ""
            self.say(f"resuming: {len(past) + len(paused)} of {trials} trials are done{waiting}")

    def _run_left(self) -> float:
        """Seconds that the search and what comes after it have left."""
        return self._within_budget(self._left() + self._at_end * self._whole())

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins."""
        self._running[spec.number] = "starting"

    def trial_continues(self, spec: TrialSpec, count: int) -> None:
        """The first of `count` trials that wait goes on."""
        if spec.until > self._said_until:
            self._said_until = spec.until
            self.say(f"the best {count} go on to epoch {spec.until}")

    def epoch(self, spec: TrialSpec, report: EpochReport, device: str = "") -> None:
        """An epoch of a trial has ended, on the device of that name."""
        scored = self._said(report.score, ", ")
        self._running[spec.number] = f"epoch {report.epoch} of {spec.epochs}{scored}{_on(device)}"
        self._draw()

    def trial_ended(
        self, spec: TrialSpec, result: TrialResult, outcome: Outcome, *, wins: bool = True
    ) -> None:
        """A trial has ended, or waits; `wins` says whether it may win."""
        self._running.pop(spec.number, None)
        self._seconds_left = self._run_left()
        if spec.resume_from:
            self._counts["paused"] -= 1
        if outcome == "waiting":
            return
        why = (
            f" ({result.reason}: {result.message.splitlines()[0]})"
            if (outcome == "failed" or result.state == "refused") and result.message
            else ""
            if wins
            else " (too large to win)"
        )
        epochs = result.epochs[-1].epoch if result.epochs else spec.resume_from
        self._count(spec.number, outcome, result.score if wins else None)
        after = f" after {epochs} epoch{'s' if epochs > 1 else ''}" if 0 < epochs < spec.epochs else ""
        scored = f"{self._said(result.score, ' ')}{after}{why}{_on(result.device)}"
        self.say(self._trial_line(spec.number, outcome, scored))

    def trial_dropped(self, trial: PastTrial) -> None:
        """A trial that was paused does not go on."""
        self._counts["paused"] -= 1
        self._count(trial.number, trial.outcome, trial.score)

    def _said(self, score: float | None, before: str) -> str:
        return "" if score is None else before + self.scored(score)

    def _count(self, number: int, outcome: str, score: float | None) -> None:
        self._counts[outcome] += 1
        if outcome == "complete" and score is not None and (self._best is None or score > self._best[0]):
            self._best = (score, number)

    def _trial_line(self, number: int, outcome: str, scored: str) -> str:
        done = "waits" if outcome == "paused" else outcome
        best = "" if self._best is None else f"; best {self.scored(self._best[0])} (trial {self._best[1]})"
        left = f"; about {duration(self._seconds_left)} left" if self._seconds_left >= 1 else ""
        return f"[{sum(self._counts.values())}/{self._trials}] trial {number} {done}{scored}{best}{left}"

    def fits_started(self, stage: str, count: int, *, trains: bool = True, at_most: bool = False) -> None:
        """A stage of the end begins: `count` pieces of work, or fewer; some are trainings, or none is."""
        self._stage = stage
        self._fits = (0, count)
        self._running.clear()
        self._end_began = self._end_began or time.monotonic()
        if count:
            several = f"{'at most ' if at_most else ''}{count} training{'s' if count != 1 else ''}"
            self.say(f"{stage}: {several}" if trains else stage)

    def fits_changed(self, by: int) -> None:
        """The stage has so many trainings more, or fewer, than when it began."""
        done, count = self._fits
        self._fits = (done, count + by)
        self._at_end += min(by, 0)  # what more there is was planned for later

    def fit_epoch(self, name: str, spec: TrialSpec, report: EpochReport, device: str = "") -> None:
        """An epoch of one of them has ended, on the device of that name."""
        self._running[spec.number] = f"{name}, epoch {report.epoch} of {spec.epochs}{_on(device)}"
        self._draw()

    def fit_ended(self, name: str, spec: TrialSpec, result: TrialResult, *, late: bool = False) -> None:
        """One of them has ended; `late` says that the budget has ended it."""
        self._running.pop(spec.number, None)
        done, count = self._fits
        self._fits = (done + 1, count)
        self._ended += 1
        self._at_end -= 1
        self._seconds_left = self._end_left()
        score = self._said(result.score, " ")
        why = ": the budget has no more time for it" if late else f" {result.reason}".rstrip()
        ended = "" if result.state == "complete" else f" {result.state}{why}"
        left = f"; about {duration(self._seconds_left)} left" if self._seconds_left >= 1 else ""
        self.say(f"[{done + 1}/{count}] {name}{score}{ended}{_on(result.device)}{left}")

    def _end_left(self) -> float:
        """Seconds that the end of the run has left, each training taken to be as long as those so far.

        Those under way count as half done.
        """
        done, count = self._fits
        assert self._end_began is not None
        half = len(self._running) / 2
        to_come = max(self._at_end, count - done) - half
        each = (time.monotonic() - self._end_began) / (self._ended + half)
        return self._within_budget(to_come * each)

    def _render(self) -> "RenderableType":
        """Called by Rich's own thread too, while the main one goes on: so it only reads what is stored."""
        from rich.console import Group
        from rich.padding import Padding
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        if not self._stage:
            return Text("starting")
        if self._stage == "search":
            done, total = sum(self._counts.values()), self._trials
            counts = ", ".join(f"{count} {name}" for name, count in self._counts.items() if count)
            counts = f" ({counts})" if counts else ""
            best = (
                "none yet" if self._best is None else f"{self.scored(self._best[0])} (trial {self._best[1]})"
            )
            left = f"about {duration(self._seconds_left)} left" if done else "time left not known yet"
            head = f"search: {done} of {total} trials{counts}; best {best}; {left}"
        else:
            done, total = self._fits
            head = f"{self._stage}: {done} of {total} trainings"
            if done and self._seconds_left >= 1:
                head += f"; about {duration(self._seconds_left)} left"
        rows = [
            Text(f"  trial {n}: {what}" if self._stage == "search" else f"  {what}")
            for n, what in list(self._running.items())
        ]
        bar = ProgressBar(total=max(1, total), completed=done, width=60)
        return Group(Text(head), Padding(bar), *rows)  # a bar alone ends without a new line
