"""NVIDIA GPUs, found through NVML: no framework is imported, and no memory taken on any of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tuner.errors import UsageError


@dataclass(frozen=True)
class Gpu:
    """A GPU as it is now.

    Attributes:
        index: NVML's, which is the order of the PCI bus: that of `nvidia-smi`.
        uuid: such as "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6".
        name: what its maker calls it.
        total: bytes of memory.
        used: bytes of it that processes and the driver have taken.
    """

    index: int
    uuid: str
    name: str
    total: int
    used: int


@dataclass(frozen=True)
class Found:
    """The GPUs that were found.

    Attributes:
        gpus: those that this process may use, in the order of CUDA_VISIBLE_DEVICES.
        why_none: why there are none; "" where there are some.
    """

    gpus: list[Gpu]
    why_none: str = ""


def find() -> Found:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves; one that does not answer is left out.

    Raises:
        UsageError: CUDA_VISIBLE_DEVICES names a part of a GPU (MIG).
    """
    with _nvml() as (nvml, problem):
        if nvml is None:
            return Found([], problem)
        gpus = [gpu for index in range(nvml.nvmlDeviceGetCount()) if (gpu := _read(nvml, index))]
    if not gpus:
        return Found([], "the NVIDIA driver lists none")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    seen = gpus if hidden is None else visible(gpus, hidden)
    return Found(seen, "" if seen else f"CUDA_VISIBLE_DEVICES={hidden!r} hides all {len(gpus)}")


def free(index: int) -> int:
    """Bytes of free memory on a GPU now; 0 where it cannot be read."""
    with _nvml() as (nvml, _):
        gpu = None if nvml is None else _read(nvml, index)
    return 0 if gpu is None else max(0, gpu.total - gpu.used)


@contextmanager
def _nvml() -> Iterator[tuple[Any, str]]:
    """NVML ready for use; or None, and what is wrong with it."""
    try:
        import pynvml
    except ImportError:
        yield None, "nvidia-ml-py is not installed (extra `gpu`)"
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        yield None, f"NVML says {str(error)!r}"
        return
    try:
        yield pynvml, ""
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def _read(nvml: Any, index: int) -> Gpu | None:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError:  # lost, or not ours to use
        return None
    return Gpu(index, _text(uuid), _text(name), int(memory.total), int(memory.used))


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()  # bytes before nvidia-ml-py 11.510


def visible(gpus: Sequence[Gpu], listed: str) -> list[Gpu]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES leaves, in its order.

    As the CUDA programming guide has it (section "CUDA Environment Variables"): indices, or UUIDs and
    beginnings of them that fit one GPU only; an entry that names no GPU ("-1", say) hides itself and
    what follows. One that names a GPU again hides all, as PyTorch has found (`torch.cuda`). Indices
    are taken as those of the PCI bus, which workers are told too (CUDA_DEVICE_ORDER).

    Raises:
        UsageError: it names a part of a GPU (MIG).
    """
    chosen: list[Gpu] = []
    for entry in listed.split(","):
        wanted = entry.strip()
        if wanted.startswith("MIG-"):
            raise UsageError(
                f"CUDA_VISIBLE_DEVICES has {wanted!r}: parts of a GPU (MIG) are not supported; "
                "name whole GPUs there, or use --devices cpu"
            )
        fits = [gpu for gpu in gpus if _names(wanted)(gpu)]
        if len(fits) != 1:
            break
        if fits[0] in chosen:
            return []
        chosen += fits
    return chosen


def _names(entry: str) -> Callable[[Gpu], bool]:
    if entry.startswith("GPU-") and len(entry) > len("GPU-"):
        return lambda gpu: gpu.uuid.startswith(entry)
    return lambda gpu: entry.isdecimal() and int(entry) == gpu.index
