"""A Keras model as the lines of Python that build it."""

import inspect
import json
from collections.abc import Mapping
from typing import Any

from tuner.errors import UsageError

IMPLIED = {"name", "dtype", "trainable", "data_format", "seed"}
"""Arguments that are left to Keras: its own names, float32, channels last, a seed for the whole program."""

SQUARE = {"kernel_size", "pool_size", "strides", "dilation_rate", "size"}
"""Arguments of which one number stands for both sides."""


def lines(model: Any) -> list[str]:
    """Assignments from `inputs` to the last value, called `outputs`; before them classes that are not Keras'.

    Args:
        model: functional, of Keras' own layers and `RandomWarp` alone, uncompiled or not.

    Raises:
        UsageError: a layer is not Keras' own, or is a model itself.
    """
    written: list[str] = []
    names: dict[int, str] = {}
    uses = _uses(model)
    for position, layer in enumerate(model.layers):
        [node, *_] = layer._inbound_nodes  # noqa: SLF001 - Keras has no public way to the graph
        if type(layer).__name__ == "InputLayer":
            shape, dtype = tuple(layer.batch_shape[1:]), layer.dtype
            names[id(node.outputs[0])] = "inputs"
            written.append(f'inputs = keras.Input({shape!r}, dtype="{dtype}")')
            continue
        [output] = node.outputs
        last = layer is model.layers[-1]
        name = "outputs" if last else "x" if uses[id(output)] <= {position + 1} else f"x{position}"
        written.append(f"{name} = {_made(layer)}({_called(node, names)})")
        names[id(output)] = name
    own = {type(layer) for layer in model.layers if _is_ours(type(layer))}
    return [line for kind in own for line in ("", "", *_source(kind), "", "")] + written


def _is_ours(kind: type) -> bool:
    return kind.__module__ == "search_spaces.warp"


def _source(kind: type) -> list[str]:
    """Of a class that needs nothing but `keras`, without what is for type checkers."""
    text = (
        inspect.getsource(kind).replace(": Any", "").replace(" -> Any", "").replace("dict[str, Any]", "dict")
    )
    return [line.split("  # type:")[0] for line in text.splitlines()]


def _uses(model: Any) -> dict[int, set[int]]:
    """The positions of the layers that take each value."""
    found: dict[int, set[int]] = {}
    for position, layer in enumerate(model.layers):
        [node, *_] = layer._inbound_nodes  # noqa: SLF001
        for output in node.outputs:
            found.setdefault(id(output), set())
        for given in node.input_tensors:
            found.setdefault(id(given), set()).add(position)
    return found


def _called(node: Any, names: Mapping[int, str]) -> str:
    def said(value: Any) -> str:
        if id(value) in names:
            return names[id(value)]
        if isinstance(value, list | tuple):
            return f"[{', '.join(said(item) for item in value)}]"
        return literal(value)

    # `training` is what Keras has made of it: `fit` and `predict` say it to every layer.
    kwargs = node.arguments.kwargs.items()
    given = {name: value for name, value in kwargs if value is not None and name != "training"}
    return ", ".join(
        [*(said(value) for value in node.arguments.args), *(f"{name}={said(v)}" for name, v in given.items())]
    )


def _made(layer: Any) -> str:
    """Such as `layers.Conv2D(32, 3, padding="same")`: what differs from the defaults of its class."""
    import keras

    kind = _kind(layer)
    stock = getattr(keras.layers, kind.__name__, None) is kind
    if not (stock or _is_ours(kind)) or hasattr(layer, "layers"):
        raise UsageError(
            f"--to script writes out Keras' own layers; this network has the layer {layer.name!r}, "
            f"a {kind.__name__}"
        )
    config, told = layer.get_config(), []
    positional = True
    for parameter in inspect.signature(kind.__init__).parameters.values():
        if parameter.name not in config or parameter.name in IMPLIED:
            continue
        value = _short(parameter.name, config[parameter.name])
        required = parameter.default is inspect.Parameter.empty
        if not required and _is_default(parameter.name, config, parameter.default):
            positional = False
            continue
        told.append(literal(value) if required and positional else f"{parameter.name}={literal(value)}")
    return f"{'layers.' if stock else ''}{kind.__name__}({', '.join(told)})"


def _kind(layer: Any) -> Any:
    """Its class; that of Keras where it differs from that in speed alone, and is saved as that."""
    return type(layer).__base__ if hasattr(layer, "as_saved") else type(layer)


def literal(value: Any) -> str:
    """A value as source, its strings in double quotes."""
    if isinstance(value, str):
        # Bytes of a file name that are no text are surrogates, which cannot be written as they are.
        return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    if isinstance(value, float) and 0 < value < 0.1 and abs(1 / value - round(1 / value)) < 1e-9:
        return f"1 / {round(1 / value)}"
    if isinstance(value, tuple):
        return f"({', '.join(literal(item) for item in value)}{',' if len(value) == 1 else ''})"
    return repr(value)


def _short(name: str, value: Any) -> Any:
    value = tuple(value) if isinstance(value, list) else value
    return value[0] if name in SQUARE and isinstance(value, tuple) and len(set(value)) == 1 else value


def _is_default(name: str, config: Mapping[str, Any], default: Any) -> bool:
    import keras

    value = config[name]
    if name.endswith("_initializer"):
        return bool(value == keras.initializers.serialize(keras.initializers.get(default)))
    if name == "activation":
        return bool(value == (default or "linear"))
    if name == "strides" and default is None:  # of a pool
        return bool(_short(name, value) == _short("pool_size", config["pool_size"]))
    return bool(_short(name, value) == _short(name, default))
