"""A trained model as it is saved: of Keras' own layers, without those that change images at random.

Keras' random layers change images in every call that does not say `training=False`: `predict` says so,
`model(images)` and every exported form do not.
"""

import inspect
from typing import Any

MIXING = ("AugMix", "CutMix", "MixUp", "RandAugment", "Solarization")
"""Stock layers that change images at random and are not called Random…"""

CHOSEN_NAMES = ("augment",)
"""Layers of these names are augmentation, whatever their class."""


def is_random(layer: Any) -> bool:
    """Whether a layer changes images at random while a model is trained (dropout is none: it is idle)."""
    if layer.name.startswith(CHOSEN_NAMES):
        return True
    kind = type(layer)
    stock = kind.__module__.startswith("keras.") and ".image_preprocessing." in kind.__module__
    return stock and (kind.__name__.startswith("Random") or kind.__name__ in MIXING)


def as_saved(model: Any) -> Any:
    """The same model without them, and of stock layers; the two share all others, with their weights.

    A random layer that changes the size of images, as a random crop does, stays, and is set to
    not train. A random step in a subclass's own `call` cannot be seen, and is left alone.
    """
    import keras

    if not _differs(model):
        return model
    if isinstance(model, keras.Sequential):
        return _sequential(model)
    plain = keras.models.clone_model(model, clone_function=_plain_layer, call_function=_call)
    plain.trainable = model.trainable
    return plain


def _differs(layer: Any) -> bool:
    """Whether a layer is, or a model has, one that is not saved as it is."""
    import keras

    if isinstance(layer, keras.Sequential | keras.Function):
        return any(_trains_untold(each) or _differs(each) for each in layer.layers)
    return hasattr(layer, "as_saved")


def _trains_untold(layer: Any) -> bool:
    """Whether a layer that is told nothing takes it that the model is trained, and tells those after it.

    That is so of all of Keras' layers for images, also of `Resizing`.
    """
    if is_random(layer):
        return True
    training = inspect.signature(layer.call).parameters.get("training")
    return training is not None and training.default is True


def _plain_layer(layer: Any) -> Any:
    if hasattr(layer, "as_saved"):
        return layer.as_saved()
    return as_saved(layer) if _differs(layer) else layer


def _call(layer: Any, *args: Any, **kwargs: Any) -> Any:
    if not _trains_untold(layer):
        return layer(*args, **kwargs)
    if is_random(layer) and _keeps_shape(layer, args[0].shape):
        return args[0]
    return layer(*args, **{**kwargs, "training": False})


def _keeps_shape(layer: Any, shape: Any) -> bool:
    return tuple(layer.compute_output_shape(shape)) == tuple(shape)


def _sequential(model: Any) -> Any:
    """A sequential model calls its layers itself, so that one which has to stay needs a functional one."""
    import keras

    inputs = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype, name=model.inputs[0].name)
    x = inputs
    for layer in model.layers:
        x = _call(_plain_layer(layer), x)
    return keras.Model(inputs, x, name=model.name)
