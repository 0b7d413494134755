"""How long trials take, learnt from those that have run."""

from dataclasses import dataclass


@dataclass
class Pace:
    """Sums over the work items of a search.

    Attributes:
        items: how many.
        epochs: that they trained.
        seconds: that they took, on their workers.
    """

    items: int = 0
    epochs: int = 0
    seconds: float = 0.0

    def learn(self, epochs: int, seconds: float) -> None:
        """Takes in one more."""
        self.items += 1
        self.epochs += epochs
        self.seconds += seconds

    @property
    def epoch_seconds(self) -> float:
        """Seconds an epoch on one worker; 0 before anything is known."""
        return self.seconds / self.epochs if self.epochs else 0.0

    @property
    def trial_seconds(self) -> float:
        """Seconds a work item on one worker; 0 before anything is known."""
        return self.seconds / self.items if self.items else 0.0
