"""Which devices there are, found without importing a framework, and the slots to train on."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import UsageError


@dataclass(frozen=True)
class Device:
    """A GPU, or the processor.

    Attributes:
        kind: "cpu" or "gpu".
        id: as CUDA_VISIBLE_DEVICES has it; "" for the processor.
        description: what a person calls it.
        memory: in bytes, 0 where unknown.
    """

    kind: str
    id: str
    description: str
    memory: int = 0

    @property
    def name(self) -> str:
        """As in reports: "cpu" or "gpu:0"."""
        return "cpu" if self.kind == "cpu" else f"gpu:{self.id}"


@dataclass(frozen=True)
class Slot:
    """Room for one worker.

    Attributes:
        index: from 0.
        device: where it trains.
        share: workers on that device, 1 or more.
    """

    index: int
    device: Device
    share: int

    def environment(self) -> dict[str, str]:
        """What must be in a worker's environment before Keras is imported.

        One thread a worker: two trials on two cores train more images than one on both, and results
        depend on the number of threads.
        """
        common = {
            "KERAS_BACKEND": backend(),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        if self.device.kind == "cpu":
            xla = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
            return common | {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": xla}
        share = f"{0.9 / self.share:.3f}"
        return common | {
            "CUDA_VISIBLE_DEVICES": self.device.id,
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            "XLA_PYTHON_CLIENT_MEM_FRACTION": share,
        }


def backend() -> str:
    """The Keras backend that workers use: `$KERAS_BACKEND`, else TensorFlow."""
    name = os.environ.get("KERAS_BACKEND", "tensorflow")
    if name not in {"tensorflow", "jax", "torch"}:
        raise UsageError(f"KERAS_BACKEND is {name!r}; expected tensorflow, jax or torch")
    return name


def slots(devices: str, workers: str) -> tuple[Slot, ...]:
    """The slots that `--devices` and `--workers` ask for.

    Args:
        devices: "auto" (GPUs where there are any, else the processor), "cpu", "gpu", or GPU ids "0,1".
        workers: trials at a time on each device; "auto" is one a core on the processor, one on a GPU.

    Raises:
        UsageError: no such device, or not a number.
    """
    chosen = _choose(devices)
    found: list[Slot] = []
    for device in chosen:
        share = _workers(workers, device)
        found += [Slot(len(found) + i, device, share) for i in range(share)]
    return tuple(found)


def _choose(devices: str) -> list[Device]:
    gpus = [] if devices == "cpu" else find_gpus()
    if devices == "cpu" or (devices == "auto" and not gpus):
        return [processor()]
    if devices in {"auto", "gpu"}:
        if not gpus:
            raise UsageError(
                "--devices gpu: no GPU found; NVIDIA GPUs are found through nvidia-ml-py (extra `gpu`)"
            )
        return gpus
    by_id = {gpu.id: gpu for gpu in gpus}
    wanted = [part.strip() for part in devices.split(",")]
    for name in wanted:
        if name not in by_id:
            known = ", ".join(by_id) or "none"
            raise UsageError(
                f"--devices {devices}: no GPU {name!r}; expected auto, cpu, gpu or ids among: {known}"
            )
    return [by_id[name] for name in wanted]


def _workers(workers: str, device: Device) -> int:
    if workers == "auto":
        return cores() if device.kind == "cpu" else 1
    if not workers.isdecimal() or int(workers) < 1:
        raise UsageError(f"--workers {workers}: expected auto or a whole number from 1")
    return int(workers)


def cores() -> int:
    """Physical cores that this process may use, container limits respected; at least 1."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical, _quota()))


def _quota() -> int:
    """Whole processors that a container's limit leaves (cgroup v2), or very many."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # no such limit, or "max"
        return 1 << 16


def processor() -> Device:
    """The processor as a device."""
    return Device("cpu", "", f"{_processor_name()}, {cores()} cores")


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def find_gpus() -> list[Device]:
    """NVIDIA GPUs, by NVML; those that CUDA_VISIBLE_DEVICES hides are left out."""
    try:
        import pynvml
    except ImportError:
        return []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        gpus = [_gpu(pynvml, i) for i in range(pynvml.nvmlDeviceGetCount())]
    finally:
        pynvml.nvmlShutdown()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return gpus
    return [gpu for gpu in gpus if gpu.id in {part.strip() for part in visible.split(",")}]


def _gpu(nvml: Any, index: int) -> Device:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    name = nvml.nvmlDeviceGetName(handle)
    memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
    return Device("gpu", str(index), name if isinstance(name, str) else name.decode(), memory)


def precision(wanted: str, devices: Sequence[Device]) -> str:
    """Keras' dtype policy for `--precision`; what is fixed (baselines) is always trained in float32.

    "auto" is mixed_bfloat16 on processors with AMX, else float32. Weights, norms, dense layers and
    losses stay float32. Measured on Sign Language MNIST, default CNN, pairs of trainings that differ
    in nothing else: 1.8 times as many images a second, and 0.8 points of validation accuracy less
    (standard error 1.0, 15 pairs); with the dense layer in bfloat16 too, 1.8 points (0.6, 22 pairs).
    """
    if wanted == "auto":
        return "mixed_bfloat16" if all(_has_amx(device) for device in devices) else "float32"
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[wanted]


def _has_amx(device: Device) -> bool:
    try:
        return device.kind == "cpu" and "amx_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
