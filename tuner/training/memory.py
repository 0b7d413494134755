"""When a process looks for garbage, and how it gives back the memory that a training has left behind."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def uncollected() -> Iterator[None]:
    """For the import of a framework: a quarter of it would go into looking through objects that stay."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def forget() -> None:
    """Frees what the last training used, so that a worker stays as large as one training needs.

    Keras' own `clear_session` is not enough: with TensorFlow 2.21, 30 MB of graphs a trial stayed.
    """
    import keras

    keras.utils.clear_session(free_memory=False)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        _forget_custom_gradients()
    elif backend == "jax":
        sys.modules["jax"].clear_caches()
    gc.collect()
    if backend == "torch" and sys.modules["torch"].cuda.is_available():
        sys.modules["torch"].cuda.empty_cache()
    _give_back()


def _forget_custom_gradients() -> None:
    """Empties TensorFlow's registry of custom gradients.

    Each use of one in a graph registers a function for good that holds its tensors, and through
    them the whole graph of a training step (https://github.com/tensorflow/tensorflow/issues/97697).
    They are looked up while a graph is differentiated, which no graph of the past will be.
    """
    with suppress(AttributeError, KeyError):  # a private place: another version may have none
        operations = sys.modules["tensorflow.python.framework.ops"]
        registry: dict[Any, Any] = operations.gradient_registry._registry  # noqa: SLF001
        for name in [name for name in registry if str(name).startswith("CustomGradient-")]:
            del registry[name]


def _give_back() -> None:
    """Hands free pages to the system, which the C library keeps for later use otherwise (Linux)."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)
