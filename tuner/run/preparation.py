"""Everything known before training starts: data, search space, baselines, slots."""

from dataclasses import dataclass
from pathlib import Path

from search_spaces.backbones import weights
from search_spaces.family import Family, Task
from search_spaces.space import SearchSpace, SpaceError
from search_spaces.toml_file import SpaceFile, read_toml
from tuner import datasets, registry
from tuner.config import RunConfig
from tuner.datasets.base import DataOptions, Dataset
from tuner.display import Display
from tuner.ending import contenders
from tuner.errors import UsageError
from tuner.run.space_choice import Choice, choose, obtain, photographic
from tuner.workers import devices, precision
from tuner.workers.executors import EXECUTORS
from tuner.workers.executors.base import ExecutorKind, Wanted

SMALL = 10_000
"""Below this many training images, 5 seeds are retrained instead of 3."""


@dataclass(frozen=True)
class Prepared:
    """Everything known before training starts."""

    dataset: Dataset
    task: Task
    model: str
    space: SearchSpace
    baselines: list[contenders.Contender]
    slots: tuple[devices.Slot, ...]
    why: str = ""
    """Why it is this space, where none was named."""

    @property
    def family(self) -> Family:
        """The family that is searched."""
        found: Family = registry.resolve(self.model)
        return found

    def seeds(self, wanted: int | None) -> int:
        """Retrainings of each model: as wanted, or by the size of the data set."""
        return wanted or (5 if self.task.train_images < SMALL else 3)


def prepare(config: RunConfig, display: Display, earlier: Choice | None = None) -> Prepared:
    """Reads the data, and resolves all names that the configuration has.

    Args:
        config: what is asked.
        display: told what is being done.
        earlier: what was chosen where none was named, if an earlier sitting has chosen.

    Raises:
        UsageError, DataError: as the registry, the spaces and the data sets raise them.
    """
    executor: ExecutorKind = registry.resolve(EXECUTORS[config.on])
    slots = executor.slots(asked(config))
    file = space_file(config.space)
    named = file.family if file else config.space or ""
    if named:  # a wrong name is worth knowing before data are read
        _reference(named, file)
    dataset = datasets.load(config.dataset, data_options(config), display.progress)
    if (wanted := datasets.wanted_cache_dir()) != (used := datasets.default_cache_dir()):
        display.warn(f"the cache {wanted} cannot be written, so it is {used}; TUNE_CACHE_DIR names another")
    traits = dataset.traits
    task = Task(
        image_shape=dataset.image_shape,
        classes=dataset.classes,
        train_images=len(dataset.train_labels),
        augmentation=traits.augmentation,
        flips=traits.flips,
        gpu=any(slot.device.kind == "gpu" for slot in slots),
    )
    choice = Choice(named)
    if not named:
        choice = earlier or choose(traits.space, task, download=config.download, progress=display.progress)
    model = _reference(choice.space, file)
    family = registry.resolve(model)
    if not isinstance(family, Family):
        raise UsageError(
            f"--space {config.space}: {named} is a {type(family).__name__}; "
            "expected a search_spaces.family.Family"
        )
    if family.features is not None and obtain(download=config.download, progress=display.progress) is None:
        raise UsageError(
            f"the space {choice.space} needs ImageNet weights, and none are here\n{weights.HELP}"
        )
    try:
        space = family.space(task)
        declared = file.apply(space) if file else space
        space = declared.with_settings(config.settings)
    except SpaceError as error:
        raise UsageError(str(error)) from None
    for sentence in declared.left_by(space):
        display.say(f"--set {sentence}")
    names = config.baselines or (traits.baselines if family.features is None else photographic(task))
    baselines = contenders.baselines(names, task, faithful=config.faithful_baselines, epochs=config.epochs)
    return Prepared(dataset, task, model, space, baselines, slots, choice.why)


def asked(config: RunConfig) -> Wanted:
    """What is to be trained on."""
    return Wanted(config.devices, config.workers, config.ray_address)


def space_file(space: str | None) -> SpaceFile | None:
    """The content of the TOML file that `--space` names, None where it names none.

    Raises:
        UsageError: the file cannot be read, or is not what it should be.
    """
    if space is None or not space.endswith(".toml"):
        return None
    if not Path(space).is_file():
        raise UsageError(f"no file {space!r} for --space; expected FILE.toml")
    try:
        return read_toml(Path(space))
    except SpaceError as error:
        raise UsageError(str(error)) from None


def _reference(name: str, file: SpaceFile | None) -> str:
    """The family of that name; a file names those of other files by their place beside it."""
    from search_spaces import SEARCH_SPACES

    beside = name if file is None or ".py:" not in name else str(file.path.parent / name)
    try:
        return registry.reference("search space", beside, SEARCH_SPACES)
    except UsageError as error:
        if file is None:
            raise
        raise UsageError(f'{file.path}: family = "{name}": {error}') from None


def policy(config: RunConfig, prepared: Prepared, display: Display) -> str:
    """Keras' dtype policy of trials; with `--deterministic` nothing that is measured decides it."""
    return precision.policy(
        config.precision,
        [slot.device for slot in prepared.slots],
        datasets.default_cache_dir(),
        display.say,
        side=min(prepared.dataset.image_shape[:2]),
        probe=not config.deterministic,
    )


def data_options(config: RunConfig) -> DataOptions:
    """The part of the configuration that is about data."""
    return DataOptions(
        data_dir=config.data_dir or datasets.default_data_dir(),
        cache_dir=datasets.default_cache_dir(),
        download=config.download,
        labels=config.labels,
        label_column=config.label_column,
        group_column=config.group_column,
        group_regex=config.group_regex,
        test=config.test,
        image_shape=config.image_shape,
        label_regex=config.label_regex,
        folders=config.folders,
        label_level=config.label_level,
        spellings=config.spellings,
        pixel_order=config.pixel_order,
    )
