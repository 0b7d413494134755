"""The records that stages hand to each other; all of them cross processes as JSON."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, Self

from search_spaces.space import ParamValue

Purpose = Literal[
    "probe", "preview", "trial", "finalist", "baseline", "retrain", "ensemble", "occlusion", "features"
]
"""probe: a few steps, to know the pace; preview: what augmentation makes of some images; trial: one
configuration of the search; finalist: a training on a fresh fold to the end of its schedule; baseline:
the same with early stopping, which chooses its epochs; retrain: on train + validation, to predict the
test images; ensemble: no training, but the saved models of `members` as one that is calibrated; occlusion:
no training, but where a saved model looks in some test images; features: no training, but a piece of what a
fixed network says of each image, `number` among those of `params`."""


@dataclass(frozen=True)
class Record:
    """A dataclass that is a JSON object elsewhere."""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {name: _as_json(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        return cls(**data)


def _as_json(value: Any) -> Any:
    """What a record holds; `dataclasses.asdict` copies what needs no copy, and takes ten times as long."""
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return dict(value) if isinstance(value, dict) else value


@dataclass(frozen=True)
class TrialSpec(Record):
    """One piece of work that trains one model once.

    Attributes:
        number: of the trial in its study; for other purposes, of the work item.
        purpose: what it is for.
        model: registry reference of what is trained, "module:ATTRIBUTE" or "file.py:ATTRIBUTE".
        params: every parameter of the model's space, fixed ones included.
        seed: of weights, batches, dropout and augmentation.
        split: name of the split in `splits.npz` ("search", "fresh-0", …), or None to train on
            train + validation and predict the test images.
        fold: the fold of that split that is held out for validation.
        epochs: the length of the schedule, and the most epochs trained.
        save: keep the trained model beside its predictions.
        share: of the duplicate groups to train on, above 0 to 1.
        until: pause after this epoch, with the state saved; at the end of the schedule there is no
            more. 0 for work that never pauses.
        resume_from: go on from the state saved after this epoch; 0 to begin. Without that state,
            what is missing is trained again, which ends in the same place.
        members: of an ensemble: the keys of the trainings whose saved models it is made of, one or more; of
            an occlusion: the key of the one whose model is asked.
        images: of an occlusion: the test images, by index.
        temperature: of an ensemble: that of its probabilities.
        validate_every: so many epochs, counted back from the last one. Which they are changes no training.
    """

    number: int
    purpose: Purpose
    model: str
    params: dict[str, ParamValue]
    seed: int
    split: str | None
    fold: int
    epochs: int
    save: bool = False
    share: float = 1.0
    until: int = 0
    resume_from: int = 0
    members: tuple[str, ...] = ()
    temperature: float = 1.0
    images: tuple[int, ...] = ()
    validate_every: int = 1

    @property
    def own_file(self) -> Path | None:
        """The user's own file that the model is in, where it is in one."""
        file = self.model.rpartition(":")[0]
        return Path(file) if file.endswith(".py") else None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        listed = {name: tuple(data.get(name, ())) for name in ("members", "images")}
        return cls(**{**data, **listed})


@dataclass(frozen=True)
class WorkContext(Record):
    """The settings that all work items of a run share; a worker gets them once, when it starts.

    Attributes:
        run_dir: absolute path of the run directory.
        dataset_dir: absolute path of the prepared data set.
        classes: number of classes.
        metric: what `EpochReport.score` is: accuracy, balanced-accuracy, f1-macro or auc.
        class_weights: whether rare classes weigh more in the loss.
        precision: "float32" or "mixed_bfloat16".
        max_parameters: trials of the search with larger models are refused; None for no limit.
        max_latency_ms: and so are those that take longer for one image.
    """

    run_dir: str
    dataset_dir: str
    classes: int
    metric: str
    class_weights: bool
    precision: str
    max_parameters: int | None = None
    max_latency_ms: float | None = None


@dataclass(frozen=True)
class EpochReport(Record):
    """The result of one epoch. Accuracies are fractions of 1; validation is None where there was none.

    Attributes:
        epoch: epochs trained so far, from 1.
        score: the metric that the search maximises, on validation images.
        images: training images seen in this epoch.
        seconds: of training and evaluation in this epoch.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    score: float | None
    images: int
    seconds: float
    learning_rate: float


State = Literal["complete", "stopped", "failed", "paused", "refused"]


@dataclass(frozen=True)
class TrialResult(Record):
    """How a piece of work ended.

    Attributes:
        state: complete (its schedule ended), stopped (by the parent), failed, paused (its
            state is saved for a later piece of work), refused (not trained, as its model is too
            large or too slow).
        seconds: from the start of building the model to the end, on its worker.
        reason: of a failure, in a word: "nan", "out-of-memory", "error", "worker-died", "hung",
            "disk"; "refused".
        message: of a failure or a refusal, for the user.
        parameters: trainable and other weights of the model, 0 for estimators without any.
        output: file (relative to the run directory) of the predictions, if any: an `.npz` with
            `probabilities` (images, classes) of the validation or test images.
        best_epoch: the epoch with the best score on validation images (the earliest such).
        latency_ms: median time to predict one image, None where it was not measured.
        summary: the model's layers as Keras prints them, of a saved model only.
        micro_batches: parts that each batch was trained in, more than 1 after it had run out of memory.
        log: of a failure, the last lines that the worker printed.
        device: that it was done on, where that is known.
    """

    state: State
    seconds: float
    epochs: list[EpochReport] = field(default_factory=list)
    reason: str = ""
    message: str = ""
    parameters: int = 0
    output: str = ""
    best_epoch: int = 0
    latency_ms: float | None = None
    summary: str = ""
    micro_batches: int = 1
    log: str = ""
    device: str = ""

    @property
    def score(self) -> float | None:
        """The last validation score, at the end of the schedule if it came there; None if there was none."""
        return next((each.score for each in reversed(self.epochs) if each.score is not None), None)

    @property
    def starting(self) -> float:
        """Seconds for building and compiling the model, by the pace of the epochs after the first."""
        later = [report.seconds for report in self.epochs[1:]]
        return max(0.0, self.seconds - len(self.epochs) * fmean(later)) if later else 0.0

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        epochs = [EpochReport.from_json(epoch) for epoch in data["epochs"]]
        return cls(**{**data, "epochs": epochs})


Outcome = Literal["complete", "pruned", "failed", "waiting", "paused"]
"""The state of a trial: waiting means that it was interrupted and will be resumed as it was; paused,
that its state is saved and that the engine may go on with it."""


@dataclass(frozen=True)
class PastTrial:
    """A trial that has ended, or waits.

    Attributes:
        number: in its study.
        outcome: complete, pruned, failed or paused.
        score: at its last epoch; None where there was none.
        params: all of them.
        scores: by epoch.
        epochs: trained.
        images: seen in training.
        seconds: on its worker.
        starting: those of them that went into building and compiling; 0 where that is not known.
        parameters: weights of its model, 0 if they are not known.
        latency_ms: of its model for one image, None if it was not measured.
        excess: by how much its model breaks the limits of the run, as a share of them; 0 if it
            holds them all, or is not known to break one.
    """

    number: int
    outcome: Outcome
    score: float | None
    params: dict[str, ParamValue]
    scores: dict[int, float]
    epochs: int
    images: int
    seconds: float
    starting: float = 0.0
    parameters: int = 0
    latency_ms: float | None = None
    excess: float = 0.0

    @property
    def feasible(self) -> bool:
        """Whether it may win."""
        return self.excess <= 0
