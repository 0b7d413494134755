"""`run.json`: the record of a run, as the run itself writes and reads it; reports read it as plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self

from tuner.errors import UsageError
from tuner.files import read_json, write_json

SCHEMA_VERSION = 1

Stage = Literal["setup", "search", "finalists", "retraining", "report"]
STAGES: tuple[Stage, ...] = ("setup", "search", "finalists", "retraining", "report")

RunState = Literal["searching", "finishing", "done", "interrupted"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A JSON object with known keys, which become attributes, and others, which are kept.

    Attributes:
        unknown: keys that another version of this program wrote, with their values.
    """

    unknown: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From what `to_json` gave, or an earlier or later version of it.

        Raises:
            KeyError: a key without which the object means nothing is missing.
        """
        parts = {each.name: each.metadata["part"] for each in fields(cls) if "part" in each.metadata}
        names = {each.name for each in fields(cls)} - {"unknown"}
        known = {name: value for name, value in data.items() if name in names}
        for name, part in parts.items():
            if known.get(name) is not None:
                known[name] = part.from_json(known[name])
        missing = [each.name for each in fields(cls) if _is_required(each) and each.name not in known]
        if missing:
            raise KeyError(missing[0])
        return cls(**known, unknown={name: value for name, value in data.items() if name not in names})

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, in the order of the fields."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "unknown"}
        told = {key: item.to_json() if isinstance(item, Part) else item for key, item in own.items()}
        return {**told, **self.unknown}


def _is_required(each: Any) -> bool:
    from dataclasses import MISSING

    return each.default is MISSING and each.default_factory is MISSING


@dataclass(frozen=True, kw_only=True)
class DatasetRecord(Part):
    """The prepared data set.

    Attributes:
        image_shape: [height, width, channels].
        n_validation: training images that the search holds out.
        noun: the plural of one image: "photographs".
        groups: of each split, "validation" among them: images that stay on one side, being near-copies or of
            one group that the user named.
        duplicate_groups: of each split, near-copies alone.
        leaked_test_images: test images with a near-copy among the training images.
    """

    name: str
    fingerprint: str = ""
    image_shape: list[int]
    class_names: list[str]
    n_train: int
    n_validation: int = 0
    n_test: int = 0
    noun: str = "images"
    groups: Mapping[str, int] = field(default_factory=dict)
    duplicate_groups: Mapping[str, int] = field(default_factory=dict)
    leaked_test_images: int = 0


@dataclass(frozen=True, kw_only=True)
class SpaceRecord(Part):
    """The search space: its name and its parameters, as `SearchSpace.to_json` gives them."""

    name: str = ""
    parameters: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class EnvironmentRecord(Part):
    """Where the run began, or goes on.

    Attributes:
        precision: Keras' dtype policy of trials.
        versions: of the packages that decide results, those that are installed.
        devices: {"name", "kind", "description"} each.
        workers: processes that train.
    """

    python: str = ""
    platform: str = ""
    backend: str = ""
    precision: str = "float32"
    versions: dict[str, str] = field(default_factory=dict)
    devices: list[dict[str, str]] = field(default_factory=list)
    workers: int = 1


@dataclass(frozen=True, kw_only=True)
class PlanRecord(Part):
    """The length of trials, and the pace that it was chosen by.

    Attributes:
        epochs: of a whole trial.
        epoch_seconds: of the default configuration on one worker, all workers busy; 0 if not probed.
        start_seconds: to build and compile a model.
        share: of the training images, on which trials and finalists are trained.
        final_epochs: of the retrainings, which have all training images.
        trials: that the budget has room for, where these are fewer than any search needs; else None.
        notes: what was changed to hold the budget, a sentence each.
    """

    epochs: int
    epoch_seconds: float = 0.0
    start_seconds: float = 0.0
    share: float = 1.0
    final_epochs: int | None = None
    trials: int | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SearchRecord(Part):
    """The search so far, over all sittings.

    Attributes:
        seconds: wall clock.
        epochs_trained, images_trained: by all trials.
        images_per_second: training images through all workers.
        stopped_by: "trials", "budget", "interrupt", "target", "plateau", "exhausted"; None before its end.
    """

    seconds: float = 0.0
    epochs_trained: int | None = 0
    images_trained: int = 0
    images_per_second: float | None = 0.0
    stopped_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunRecord(Part):
    """The content of `run.json`.

    Attributes:
        version: of this program.
        created: local time with its offset, ISO 8601.
        command: the command line that does the run again.
        config: the options by name, as `RunConfig.to_json` gives them.
        plan: None until it is made.
        ends: what decided the end of the run that was reached last; None before the first one.
        limits: what may have cut the search or that end short.
        seconds: wall clock by stage, over all sittings.
        finalists: the best trials and the default on the fresh folds, best first; empty before that.
        ends_by: when the budget of the sitting under way ends, as `created`; "" without a budget.
        warm_start: configurations of earlier runs that this one tried first.
        why_space: why it is this space, where none was named.
    """

    schema_version: int = SCHEMA_VERSION
    version: str = ""
    name: str
    created: str = ""
    command: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    dataset: DatasetRecord = field(metadata={"part": DatasetRecord})
    space: SpaceRecord = field(default_factory=SpaceRecord, metadata={"part": SpaceRecord})
    environment: EnvironmentRecord = field(
        default_factory=EnvironmentRecord, metadata={"part": EnvironmentRecord}
    )
    plan: PlanRecord | None = field(default=None, metadata={"part": PlanRecord})
    ends: Mapping[str, Any] | None = None
    limits: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    search: SearchRecord = field(default_factory=SearchRecord, metadata={"part": SearchRecord})
    state: RunState = "interrupted"
    finalists: list[dict[str, Any]] = field(default_factory=list)
    ends_by: str = ""
    warm_start: list[dict[str, Any]] = field(default_factory=list)
    why_space: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record of a run directory.

        Args:
            path: of its `run.json`.

        Raises:
            RunError: the file is not JSON.
            UsageError: it is of another format, or lacks what every run has.
        """
        data = read_json(path)
        found = data.get("schema_version", SCHEMA_VERSION) if isinstance(data, dict) else None
        if found != SCHEMA_VERSION:
            raise UsageError(f"{path} has the format of version {found!r}; expected {SCHEMA_VERSION}")
        try:
            return cls.from_json(data)
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} is not what tune writes: {error} is missing or misplaced") from error

    def write(self, path: Path) -> None:
        """Writes it, whole or not at all."""
        write_json(path, self.to_json())

    def spent(self, **seconds: float) -> Self:
        """The record with more seconds in some stages."""
        added = {stage: self.seconds.get(stage, 0.0) + more for stage, more in seconds.items()}
        return replace(self, seconds={**self.seconds, **added})
