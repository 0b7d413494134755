"""How many workers a GPU should have: as many as speed the search up, learnt from their pace.

Small networks leave most of a GPU idle, so a second one beside them costs them little; at some number
of workers another one only slows down the rest. Trials differ too much among each other to see that
from their pace (five times as many filters, ten times the seconds), so a trial is compared with
itself: now and then one worker waits between two epochs, and the others show how fast they are without
it. This costs an epoch of one worker a few times a run.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp, log

LEAST_GAIN = 1.05
"""Times as many images a second with one worker more; with less it is not worth its memory."""

COMPARISONS = 3
"""Epochs on either side that decide about one more or less."""

REMEMBERED = 32
"""Trainings whose pace is kept."""


@dataclass
class Packing:
    """Decides how many workers one GPU should have; knows nothing of processes.

    Attributes:
        most: never more than these; lowered where so many were too many.
        wanted: workers that the GPU should have now, from 1 to `most`.
    """

    most: int
    wanted: int = 1
    _paces: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    def told(self, training: str, workers: int, images_per_second: float) -> None:
        """Takes the pace of one epoch.

        Args:
            training: what is trained, the same in every epoch of it.
            workers: that were at work on the GPU all through the epoch, this one included.
            images_per_second: of this training alone.
        """
        if not images_per_second > 0:
            return
        paces = self._paces.pop(training, None) or defaultdict(list)
        paces[workers].append(log(images_per_second))
        self._paces[training] = paces
        while len(self._paces) > REMEMBERED:
            del self._paces[next(iter(self._paces))]

    def knows(self, training: str, workers: int) -> bool:
        """Whether the pace of a training among so many workers is known."""
        return bool(self._paces.get(training, {}).get(workers))

    def gain(self, workers: int) -> float | None:
        """Images a second of that many workers over those of one fewer; None while it is not known."""
        pairs = [
            (paces[workers], paces[workers - 1])
            for paces in self._paces.values()
            if paces.get(workers) and paces.get(workers - 1)
        ]
        weights = [min(len(more), len(fewer)) for more, fewer in pairs]
        if sum(weights) < COMPARISONS:
            return None
        change = sum(
            weight * (sum(more) / len(more) - sum(fewer) / len(fewer))
            for weight, (more, fewer) in zip(weights, pairs, strict=True)
        )
        return exp(change / sum(weights)) * workers / (workers - 1)

    @property
    def curious(self) -> bool:
        """Whether a comparison with one worker fewer is needed."""
        return self.wanted > 1 and self.gain(self.wanted) is None

    def decide(self, room: Callable[[], bool]) -> float | None:
        """Changes `wanted` by one where the measured paces say so.

        Args:
            room: says whether one more worker would find memory; asked only when it matters.

        Returns:
            The gain that made it change, None where nothing changes; 1 for the second worker, which
            is worth a try as soon as the first has trained an epoch.
        """
        if self.wanted == 1:
            gain: float | None = 1.0 if any(paces.get(1) for paces in self._paces.values()) else None
            enough = gain is not None
        else:
            gain = self.gain(self.wanted)
            enough = gain is not None and gain >= LEAST_GAIN
        if gain is None:
            return None
        if not enough:
            self.most = self.wanted = self.wanted - 1
            return gain
        if self.wanted < self.most and room():
            self.wanted += 1
            return gain
        return None

    def give_up(self) -> None:
        """The last worker that was added could not start: from now on there is one worker fewer."""
        self.most = self.wanted = max(1, self.wanted - 1)
