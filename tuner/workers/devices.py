"""The devices that a run trains on, and the slots for workers on them; no framework is imported."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.errors import UsageError
from tuner.training.gpu import GPU_MEMORY
from tuner.workers import cores as processors
from tuner.workers import gpus as nvidia
from tuner.workers.cores import cores

MOST_ON_A_GPU = 8
GIB = 1 << 30
RESERVE = 0.05
"""Share of a GPU's memory that no worker gets."""

CONTEXT_BYTES = GIB // 2
"""Bytes that a process takes on a GPU beside its arrays: CUDA's context and the libraries' own."""

LEAST_BYTES = GIB // 2
"""A worker with less room for arrays on a GPU than this is not worth starting."""

PACKED_BYTES = 3 * GIB
"""`--workers auto` leaves each worker on a GPU at least this much, context included, where it can."""


NAMED = 8
"""Nodes of a cluster that are named before a run begins."""


@dataclass(frozen=True)
class Device:
    """A GPU, or the processor.

    Attributes:
        kind: "cpu" or "gpu".
        id: its number in `nvidia-smi`; "" for the processor.
        description: what a person calls it.
        memory: in bytes, 0 where unknown.
        used: bytes of it in use by others, when it was found.
        bfloat16: what multiplies bfloat16 in hardware: "amx", "avx512", or ""; asked of processors only.
        node: the name of the machine that it is in; "" for this one.
        place: what the cluster calls that machine.
    """

    kind: str
    id: str
    description: str
    memory: int = 0
    used: int = 0
    bfloat16: str = ""
    node: str = ""
    place: str = ""

    @property
    def name(self) -> str:
        """As in reports: "cpu" or "gpu:0", of another machine "NODE gpu:0"."""
        own = "cpu" if self.kind == "cpu" else f"gpu:{self.id}"
        return f"{self.node} {own}" if self.node else own

    @property
    def available(self) -> int:
        """Bytes of memory that workers may share, of a GPU."""
        return max(0, int(self.memory * (1 - RESERVE)) - self.used)


@dataclass(frozen=True)
class Slot:
    """Room for one worker.

    Attributes:
        index: from 0.
        device: where it trains.
        share: workers on that device at first, 1 or more.
        most: workers that it may have later; memory is divided among so many.
    """

    index: int
    device: Device
    share: int
    most: int

    @property
    def memory(self) -> int:
        """Bytes of GPU memory that a worker's arrays may take; 0 for no limit, as on the processor."""
        return _room(self.device, self.most) if self.device.kind == "gpu" else 0

    def environment(self) -> dict[str, str]:
        """The variables that a worker's environment needs before Keras is imported.

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
        return common | {
            "CUDA_VISIBLE_DEVICES": self.device.id,
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # that of the id
            GPU_MEMORY: str(self.memory),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
            "XLA_CLIENT_MEM_FRACTION": "",  # the new name; older versions know the other, both are an error
            "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{self.memory / self.device.memory:.4f}",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
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
        devices: "auto" (GPUs with room where there are any, else the processor), "cpu", "gpu", or GPU
            ids "0,1" as `nvidia-smi` has them.
        workers: trials at a time on each device; "auto" is one a core on the processor. On a GPU it is
            one at first, and as many as speed the search up (`executors.packing`).

    Raises:
        UsageError: no such device, no room on it, or not a number.
    """
    chosen = _choose(devices)
    found: list[Slot] = []
    for device in chosen:
        share, most = _workers(workers, device, len(chosen))
        found += [Slot(len(found) + i, device, share, most) for i in range(share)]
    return tuple(found)


def _choose(devices: str) -> list[Device]:
    if devices == "cpu":
        return [processor()]
    found = nvidia.find()
    gpus = [_device(gpu) for gpu in found.gpus]
    if devices == "auto":
        return [gpu for gpu in gpus if _room(gpu, 1) >= LEAST_BYTES] or [processor()]
    if devices == "gpu":
        if not gpus:
            raise UsageError(f"--devices gpu: no GPU found: {found.why_none}")
        return gpus
    by_id = {gpu.id: gpu for gpu in gpus}
    wanted = [part.strip() for part in devices.split(",")]
    for name in wanted:
        if name not in by_id:
            known = ", ".join(f"{gpu.id} ({gpu.description})" for gpu in gpus) or f"none: {found.why_none}"
            raise UsageError(
                f"--devices {devices}: no GPU {name!r}; expected auto, cpu, gpu or ids among: {known}"
            )
    return [by_id[name] for name in dict.fromkeys(wanted)]


def _device(gpu: nvidia.Gpu) -> Device:
    description = f"{gpu.name}, {gpu.total / GIB:.0f} GiB"
    return Device("gpu", str(gpu.index), description, gpu.total, gpu.used)


def _workers(workers: str, device: Device, devices: int) -> tuple[int, int]:
    """Workers on a device: at first, and at most."""
    if workers != "auto" and (not workers.isdecimal() or int(workers) < 1):
        raise UsageError(f"--workers {workers}: expected auto or a whole number from 1")
    if device.kind == "cpu":
        count = cores() if workers == "auto" else int(workers)
        return count, count
    count = 1 if workers == "auto" else int(workers)
    if _room(device, count) < LEAST_BYTES:
        fitting = device.available // (CONTEXT_BYTES + LEAST_BYTES)
        raise UsageError(
            f"--workers {workers}: {device.name} ({device.description}, {device.used / GIB:.1f} GiB in use) "
            f"has memory for {fitting or 'no'} worker{'' if fitting == 1 else 's'}"
        )
    if workers != "auto":
        return count, count
    return 1, max(1, min(MOST_ON_A_GPU, cores() // devices, device.available // PACKED_BYTES))


def _room(device: Device, workers: int) -> int:
    """Bytes for the arrays of each of so many workers on a GPU."""
    return max(0, device.available // workers - CONTEXT_BYTES)


def processor() -> Device:
    """The processor as a device."""
    return Device("cpu", "", f"{processors.name()}, {cores()} cores", bfloat16=processors.bfloat16())


def told(slots: Sequence[Slot]) -> str:
    """How many workers there are and where, for the user: "2 workers on 2 nodes: a (1), b (1)"."""
    workers = f"{len(slots)} worker{'s' if len(slots) != 1 else ''}"
    nodes = Counter(slot.device.node for slot in slots)
    if "" in nodes:
        return f"{workers} on {', '.join(sorted({slot.device.description for slot in slots}))}"
    named = ", ".join(f"{name} ({count})" for name, count in list(nodes.items())[:NAMED])
    more = f" and {len(nodes) - NAMED} more" if len(nodes) > NAMED else ""
    return f"{workers} on {len(nodes)} node{'s' if len(nodes) != 1 else ''}: {named}{more}"
