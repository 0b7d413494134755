"""What is known before anything is trained: data, search space, baselines, slots."""

from dataclasses import dataclass

from search_spaces.family import Family, Task
from search_spaces.space import SearchSpace, SpaceError
from tuner import contenders, datasets, devices, registry
from tuner.config import RunConfig
from tuner.datasets.base import DataOptions, Dataset
from tuner.display import Display
from tuner.errors import UsageError

SMALL = 10_000
"""Below this many training images, 5 seeds are retrained instead of 3."""


@dataclass(frozen=True)
class Prepared:
    """What is known before anything is trained."""

    dataset: Dataset
    task: Task
    model: str
    space: SearchSpace
    baselines: list[contenders.Contender]
    slots: tuple[devices.Slot, ...]

    def seeds(self, wanted: int | None) -> int:
        """Retrainings of each model: as wanted, or by the size of the data set."""
        return wanted or (5 if self.task.train_images < SMALL else 3)


def prepare(config: RunConfig, display: Display) -> Prepared:
    """Reads the data, and resolves all names that the configuration has.

    Raises:
        UsageError, DataError: as the registry, the spaces and the data sets raise them.
    """
    from search_spaces import SEARCH_SPACES

    slots = devices.slots(config.devices, config.workers)
    if config.space is not None:  # a wrong name is worth knowing before data are read
        registry.reference("search space", config.space, SEARCH_SPACES)
    dataset = datasets.load(config.dataset, data_options(config), display.progress)
    traits = dataset.traits
    task = Task(
        image_shape=dataset.image_shape,
        classes=dataset.classes,
        train_images=len(dataset.train_labels),
        augmentation=traits.augmentation,
        flips=traits.flips,
        gpu=any(slot.device.kind == "gpu" for slot in slots),
    )
    model = registry.reference("search space", config.space or traits.space, SEARCH_SPACES)
    family = registry.resolve(model)
    if not isinstance(family, Family):
        raise UsageError(
            f"--space {config.space}: it is a {type(family).__name__}; expected a search_spaces.Family"
        )
    try:
        space = family.space(task).with_settings(config.settings)
    except SpaceError as error:
        raise UsageError(str(error)) from None
    baselines = contenders.baselines(
        config.baselines or traits.baselines, task, faithful=config.faithful_baselines
    )
    return Prepared(dataset, task, model, space, baselines, slots)


def data_options(config: RunConfig) -> DataOptions:
    """What the configuration says about data."""
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
    )
