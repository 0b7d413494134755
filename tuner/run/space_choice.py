"""Which search space a data set gets where none is named, and why."""

from dataclasses import dataclass

from search_spaces import pretrained
from search_spaces.backbones import weights
from search_spaces.backbones.weights import BACKBONES, Found, WeightsError
from search_spaces.family import Task
from tuner.datasets.base import Progress
from tuner.datasets.named.download import Download, fetch
from tuner.ending.contenders import FROM_SCRATCH
from tuner.errors import DataError, UsageError

BASELINES = ("majority", "logistic", FROM_SCRATCH)
"""Of a data set whose models are heads on features: what pretraining brought is seen against `cnn`."""

MOST_VALUES = 100_000_000
"""Pixel values of all training images beyond which logistic regression on them takes longer than the rest
of the run, for a score that says little of photographs."""

DOWNLOADED = "efficientnet-v2-b0"
"""The backbone that is downloaded where there are no weights: one whose publisher gives a checksum."""


@dataclass(frozen=True)
class Choice:
    """The space of a data set.

    Attributes:
        space: its name.
        why: a sentence for the display and the report, "" where there is nothing to say.
    """

    space: str
    why: str = ""


def choose(usual: str, task: Task, *, download: bool, progress: Progress) -> Choice:
    """The space that a data set gets.

    Args:
        usual: name of its own space.
        task: its images.
        download: whether the network may be touched.
        progress: told of a download.

    Raises:
        UsageError: weights are named, or installed, that are not what they should be.
    """
    if usual != "cnn" or task.image_shape[2] == 1:
        return Choice(usual)
    if not pretrained.suits(task):
        least = pretrained.LEAST_SIDE
        return Choice(usual, f"CNNs are trained from scratch, as the images are smaller than {least} pixels")
    found = obtain(download=download, progress=progress)
    if found is None:
        return Choice(
            usual,
            "CNNs are trained from scratch, as no ImageNet weights are here, with which small data sets of "
            f"photographs are read far better: {weights.HELP}",
        )
    return Choice(
        "pretrained",
        f"heads are trained on features of {found.backbone}, as the images are in colour and its ImageNet "
        f"weights are here ({found.where}); `--space cnn` trains from scratch",
    )


def photographic(task: Task) -> tuple[str, ...]:
    """The baselines of `BASELINES` that the images have room for."""
    height, width, channels = task.image_shape
    values = task.train_images * height * width * channels
    return BASELINES if values <= MOST_VALUES else tuple(n for n in BASELINES if n != "logistic")


def obtain(*, download: bool, progress: Progress) -> Found | None:
    """ImageNet weights that are here, or can be downloaded; None where there are none.

    Raises:
        UsageError: weights are named, or installed, that are not what they should be.
    """
    try:
        found = weights.installed()
        if found is not None:
            weights.digest(found.backbone)
            return found
    except WeightsError as error:
        raise UsageError(str(error)) from error
    backbone = BACKBONES[DOWNLOADED]
    if not download:
        return None
    try:
        fetch(Download(backbone.url, backbone.file, "md5", backbone.md5), weights.keras_cache(), progress)
    except DataError:
        return None
    return weights.installed()
