"""A stand-in for `pynvml` of nvidia-ml-py 13, to be put first on PYTHONPATH.

It answers as the real module does, error classes included, about the GPUs that the environment
variable STAND_IN_GPUS lists: a JSON list of {"name", "uuid", "total", "used"}, memory in bytes. In
place of the list "driver not loaded" makes `nvmlInit` fail, in place of a GPU "lost" makes it fail
when asked.
"""

# ruff: noqa: N801, N802, N818, RUF012 - names and ways of the real module

import json
import os
from typing import Any

NVML_ERROR_UNINITIALIZED = 1
NVML_ERROR_INVALID_ARGUMENT = 2
NVML_ERROR_DRIVER_NOT_LOADED = 9
NVML_ERROR_GPU_IS_LOST = 15

_TEXTS = {1: "Uninitialized", 2: "Invalid Argument", 9: "Driver Not Loaded", 15: "GPU is lost"}


class NVMLError(Exception):
    """`NVMLError(code)` makes an instance of the code's own class, as in the real module."""

    _classes: "dict[int, type[NVMLError]]" = {}
    value: int

    def __new__(cls, value: int) -> "NVMLError":  # noqa: PYI034
        found = super().__new__(cls._classes.get(value, cls))
        found.value = value
        return found

    def __str__(self) -> str:
        return _TEXTS[self.value]


class NVMLError_Uninitialized(NVMLError):
    pass


class NVMLError_InvalidArgument(NVMLError):
    pass


class NVMLError_DriverNotLoaded(NVMLError):
    pass


class NVMLError_GpuIsLost(NVMLError):
    pass


NVMLError._classes.update(
    {
        1: NVMLError_Uninitialized,
        2: NVMLError_InvalidArgument,
        9: NVMLError_DriverNotLoaded,
        15: NVMLError_GpuIsLost,
    }
)


class c_nvmlDevice_t:
    """An opaque handle."""

    def __init__(self, gpu: dict[str, Any]) -> None:
        self._gpu = gpu


class c_nvmlMemory_t:
    """Bytes; `used` counts what the driver keeps for itself."""

    def __init__(self, total: int, used: int) -> None:
        self.total, self.used, self.free = total, used, total - used


_users = 0


def _gpus() -> list[Any]:
    if not _users:
        raise NVMLError(NVML_ERROR_UNINITIALIZED)
    return list(json.loads(os.environ["STAND_IN_GPUS"]))


def nvmlInit() -> None:
    global _users  # noqa: PLW0603
    if json.loads(os.environ["STAND_IN_GPUS"]) == "driver not loaded":
        raise NVMLError(NVML_ERROR_DRIVER_NOT_LOADED)
    _users += 1


def nvmlShutdown() -> None:
    global _users  # noqa: PLW0603
    if not _users:
        raise NVMLError(NVML_ERROR_UNINITIALIZED)
    _users -= 1


def nvmlDeviceGetCount() -> int:
    return len(_gpus())


def nvmlDeviceGetHandleByIndex(index: int) -> c_nvmlDevice_t:
    gpus = _gpus()
    if not 0 <= index < len(gpus):
        raise NVMLError(NVML_ERROR_INVALID_ARGUMENT)
    if gpus[index] == "lost":
        raise NVMLError(NVML_ERROR_GPU_IS_LOST)
    return c_nvmlDevice_t(gpus[index])


def nvmlDeviceGetName(handle: c_nvmlDevice_t) -> str:
    return str(handle._gpu["name"])


def nvmlDeviceGetUUID(handle: c_nvmlDevice_t) -> str:
    return str(handle._gpu["uuid"])


def nvmlDeviceGetMemoryInfo(handle: c_nvmlDevice_t, version: int | None = None) -> c_nvmlMemory_t:
    return c_nvmlMemory_t(handle._gpu["total"], handle._gpu["used"])
