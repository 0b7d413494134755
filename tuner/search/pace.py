"""How long trials take, learnt from those that have run."""

from dataclasses import dataclass


@dataclass
class Pace:
    """Sums over the work items of a search.

    Attributes:
        items: how many.
        epochs: that they trained.
        seconds: that they took, on their workers.
        starting: those of them that went into building and compiling models.
    """

    items: int = 0
    epochs: int = 0
    seconds: float = 0.0
    starting: float = 0.0

    def learn(self, epochs: int, seconds: float, starting: float, items: int = 1) -> None:
        """Takes in one more trial, or what one has done in several items."""
        self.items += items
        self.epochs += epochs
        self.seconds += seconds
        self.starting += starting

    @property
    def epoch_seconds(self) -> float:
        """Seconds an epoch on one worker; 0 before anything is known."""
        return (self.seconds - self.starting) / self.epochs if self.epochs else 0.0

    @property
    def trial_seconds(self) -> float:
        """Seconds a work item on one worker; 0 before anything is known."""
        return self.seconds / self.items if self.items else 0.0

    def whole(self, epochs: int) -> float:
        """Seconds of a training of so many epochs on one worker; 0 before anything is known."""
        return self.starting / self.items + epochs * self.epoch_seconds if self.items else 0.0
