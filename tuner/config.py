"""The options of a run, and which of them a second run of the same command may change."""

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.util import find_spec
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Self, get_args, get_type_hints

from tuner import values
from tuner.constraints import Constraints
from tuner.errors import UsageError
from tuner.registry import unknown
from tuner.search.engines import ALGORITHMS
from tuner.search.schedulers import SCHEDULERS
from tuner.workers.executors import EXECUTORS

Resume = Literal["may", "must", "ends", "free"]

PRUNERS = tuple(SCHEDULERS)
METRICS = ("accuracy", "balanced-accuracy", "f1-macro", "auc")
CLASS_WEIGHTS = ("none", "balanced")
PRECISIONS = ("auto", "float32", "bfloat16")
_PATH_CHOICES = {
    "folders": ("classes", "splits"),
    "label_level": ("top", "leaf"),
    "spellings": ("merge", "keep"),
    "pixel_order": ("pixels", "planes"),
}


LEAST = {"trials": 1, "epochs": 1, "finalists": 1, "seeds": 1, "patience": 1, "max_parameters": 1, "seed": 0}
"""The least that an option takes."""

TYPED = {"set": "settings", "no_download": "download=False", "json": "Run.report", "plain": "quiet"}
"""Options of the command line that go by another name in Python."""


def _option(default: Any, resume: Resume) -> Any:
    return field(default=default, metadata={"resume": resume})


@dataclass(frozen=True)
class RunConfig:
    """The options of `tune run`; `tune --help` explains each.

    The `resume` of a field says what a second run may do with it: "may" change it; "must" agree with
    the run directory; "ends": changing it repeats only the end of the run; "free": not compared.
    """

    dataset: str = field(metadata={"resume": "free"})
    trials: int = _option(20, "may")
    budget: float | None = _option(None, "may")
    epochs: int = _option(20, "must")
    engine: str = _option("optuna", "must")
    algorithm: str = _option("", "must")
    pruner: str = _option("", "must")
    space: str | None = _option(None, "must")
    settings: tuple[str, ...] = _option((), "must")
    seed: int = _option(0, "must")
    deterministic: bool = _option(False, "must")
    target: float | None = _option(None, "may")
    patience: int | None = _option(None, "may")
    warm_start: tuple[str, ...] = _option((), "must")
    max_parameters: int | None = _option(None, "must")
    max_latency_ms: float | None = _option(None, "must")
    metric: str = _option("accuracy", "must")
    class_weights: str = _option("none", "must")
    precision: str = _option("auto", "must")
    on: str = _option("local", "may")
    ray_address: str = _option("auto", "may")
    devices: str = _option("auto", "may")
    workers: str = _option("auto", "may")
    baselines: tuple[str, ...] | None = _option(None, "ends")
    seeds: int | None = _option(None, "ends")
    faithful_baselines: bool = _option(False, "ends")
    finalists: int = _option(3, "ends")
    single: bool = _option(False, "ends")
    save_ensemble: bool = _option(True, "free")
    name: str = _option("", "free")
    data_dir: Path | None = _option(None, "may")
    download: bool = _option(True, "may")
    out: Path = _option(Path("runs"), "free")
    labels: Path | None = _option(None, "free")
    label_column: str | None = _option(None, "free")
    group_column: str | None = _option(None, "free")
    group_regex: str | None = _option(None, "free")
    test: Path | None = _option(None, "free")
    image_shape: tuple[int, int, int] | None = _option(None, "free")
    label_regex: str | None = _option(None, "free")
    folders: str | None = _option(None, "free")
    label_level: str | None = _option(None, "free")
    spellings: str | None = _option(None, "free")
    pixel_order: str | None = _option(None, "free")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """The configuration of options by name, as a command line has them, or a call in Python.

        Args:
            given: texts as they are typed, or values; None for what `tune` chooses itself.

        Raises:
            UsageError: an option that there is not, or a value that it does not take.
        """
        kinds = get_type_hints(cls)
        known = {option.name: option for option in fields(cls)}
        read = {}
        for name, value in given.items():
            if name not in known:
                raise UsageError(_unknown(name, known))
            if value is None and known[name].default in (None, "", ()):
                continue
            read[name] = _reader(name, kinds[name])(flag(name), value)
        if "dataset" not in read:
            raise UsageError("no data set is named; see `tune datasets`, or give the path of your own")
        return cls(**read)

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            if (value := getattr(self, name)) is not None and value < least:
                raise UsageError(f"{flag(name)} {value}: expected a whole number from {least}")
        if self.budget is not None and not 0 < self.budget < math.inf:
            raise UsageError(f"--budget {self.budget}: expected {values.TIMES}")
        for option, known in _PATH_CHOICES.items():
            if (given := getattr(self, option)) is not None:
                _one_of(flag(option), given, known)
        if self.target is not None and not 0 < self.target <= 1:
            raise UsageError(f"--target {self.target}: expected a validation score above 0, up to 1")
        if self.max_latency_ms is not None and not 0 < self.max_latency_ms < math.inf:
            raise UsageError(
                f"--max-latency-ms {self.max_latency_ms}: expected a number of milliseconds above 0"
            )
        _one_of("--engine", self.engine, tuple(ALGORITHMS))
        self._choose_search()
        _one_of("--metric", self.metric, METRICS)
        _one_of("--class-weights", self.class_weights, CLASS_WEIGHTS)
        _one_of("--precision", self.precision, PRECISIONS)
        _one_of("--on", self.on, tuple(EXECUTORS))

    def _choose_search(self) -> None:
        """Checks algorithm and pruner; those that were not named are the engine's own."""
        algorithms = ALGORITHMS[self.engine]
        object.__setattr__(self, "algorithm", self.algorithm or algorithms[0])
        object.__setattr__(self, "pruner", self.pruner or (PRUNERS[0] if self.engine == "optuna" else "none"))
        _one_of("--algorithm", self.algorithm, algorithms)
        _one_of("--pruner", self.pruner, PRUNERS)
        if self.algorithm == "hyperband" and self.pruner != "none":
            raise UsageError(
                f"--pruner {self.pruner!r}: the keras-tuner engine takes only none with hyperband, "
                "which stops trials itself"
            )
        if (
            self.deterministic
            and self.engine == "keras-tuner"
            and self.algorithm in {"hyperband", "bayesian"}
        ):
            raise UsageError(
                f"--deterministic: keras-tuner's {self.algorithm} chooses by whatever has ended when it is "
                "asked\nits random and grid can be used, and all algorithms of optuna"
            )
        if self.deterministic and self.max_latency_ms is not None:
            raise UsageError(
                "--deterministic: --max-latency-ms decides by a time that is measured, and never quite the "
                "same\n--max-parameters can be used"
            )
        if (self.engine, self.algorithm) == ("optuna", "gp") and find_spec("torch") is None:
            raise UsageError(
                "--algorithm gp needs PyTorch, which is not installed\n"
                "it comes with the extra: pip install '.[torch]'"
            )

    @property
    def constraints(self) -> Constraints:
        """The limits that a model must hold."""
        return Constraints(self.max_parameters, self.max_latency_ms)

    def to_json(self) -> dict[str, Any]:
        """As `run.json` keeps it: paths as strings."""
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    def command(self) -> list[str]:
        """The command line that means this; options that are what they would be anyway are left out."""
        plain = RunConfig(self.dataset, engine=self.engine)
        words = ["tune", self.dataset]
        if self.engine != RunConfig.engine:
            words += _words("engine", self.engine)
        for option in fields(self):
            value = getattr(self, option.name)
            if value != getattr(plain, option.name):
                words += _words(option.name, value)
        return words

    def disagreements(self, earlier: Mapping[str, Any]) -> list[str]:
        """Options that must agree with the configuration of an earlier run and do not.

        Returns:
            One text each: "--seed 3 (this run directory has 0)".
        """
        now = self.to_json()
        found = []
        for option in fields(self):
            if option.metadata["resume"] != "must" or option.name not in earlier:
                continue
            was, wanted = _plain(earlier[option.name]), _plain(now[option.name])
            if was != wanted:
                found.append(f"{flag(option.name)} {_shown(wanted)} (this run directory has {_shown(was)})")
        return found


def flag(name: str) -> str:
    """The option of a field: "class_weights" -> "--class-weights"."""
    if name == "dataset":
        return "DATASET"
    return "--set" if name == "settings" else "--" + name.replace("_", "-")


def _words(name: str, value: Any) -> list[str]:
    """An option as it is typed."""
    if name == "download":
        return ["--no-download"]
    if isinstance(value, bool):
        return [flag(name)]
    if name == "budget":
        return [flag(name), f"{float(value):f}".rstrip("0").rstrip(".") + "s"]
    if name in {"settings", "warm_start"}:
        return [word for each in value for word in (flag(name), each)]
    if isinstance(value, tuple):
        return [flag(name), ("x" if name == "image_shape" else ",").join(map(str, value))]
    return [flag(name), str(value)]


def _reader(option: str, kind: Any) -> values.Reader:
    """The function that reads an option, by the type of its field."""
    special: dict[str, values.Reader] = {"budget": values.seconds, "settings": values.texts}
    if option in special:
        return special[option]
    (plain, *_) = (
        [each for each in get_args(kind) if each is not NoneType] if NoneType in get_args(kind) else [kind]
    )
    readers: dict[Any, values.Reader] = {
        int: values.whole,
        float: values.real,
        bool: values.switch,
        str: values.text,
        Path: values.path,
        tuple[str, ...]: values.names,
        tuple[int, int, int]: values.image_shape,
    }
    return readers[plain]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return str(value)


def _one_of(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        near = difflib.get_close_matches(value, choices, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"{option} {value!r}: expected one of {', '.join(choices)}{hint}")


def _unknown(name: str, known: Iterable[str]) -> str:
    """The message for an option that there is not; some go by other names on the command line."""
    if name in TYPED:
        return f"no option {name!r}; did you mean {TYPED[name]}?"
    return unknown("option", name, [*known, "fresh", "quiet"])
