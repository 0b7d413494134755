"""A hard limit to the GPU memory of a worker, set before anything is allocated."""

import os
import sys

GPU_MEMORY = "TUNE_GPU_MEMORY"
"""In a worker's environment: bytes that its arrays may take on its GPU."""


def limit_memory() -> None:
    """Holds the backend, already imported, to `$TUNE_GPU_MEMORY`; does nothing without it.

    A model that needs more gets the backend's out-of-memory error, which ends one trial; other workers on
    the GPU do not notice. JAX takes its limit from the environment instead (`devices.Slot`).
    """
    limit = int(os.environ.get(GPU_MEMORY) or 0)
    if not limit:
        return
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        found = bool(sys.modules["jax"].default_backend() == "gpu")
    else:
        found = _limit_torch(limit) if backend == "torch" else _limit_tensorflow(limit)
    if not found:
        print(f"no GPU is visible to {backend}: this worker trains on the processor", file=sys.stderr)  # noqa: T201


def _limit_tensorflow(limit: int) -> bool:
    """Memory still grows as needed up to the limit, as TF_FORCE_GPU_ALLOW_GROWTH is set too."""
    config = sys.modules["tensorflow"].config
    gpus = config.list_physical_devices("GPU")
    for gpu in gpus:
        config.set_logical_device_configuration(
            gpu, [config.LogicalDeviceConfiguration(memory_limit=limit >> 20)]
        )
    return bool(gpus)


def _limit_torch(limit: int) -> bool:
    cuda = sys.modules["torch"].cuda
    if not cuda.is_available():
        return False
    total = cuda.get_device_properties(0).total_memory
    cuda.set_per_process_memory_fraction(min(1.0, limit / total), 0)
    return True
