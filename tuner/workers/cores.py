"""The processor: how many workers it has room for, within a container's limits."""

import os
import platform
from pathlib import Path

UNLIMITED = 1 << 16

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def cores() -> int:
    """Physical cores that this process may use, container limits respected; at least 1."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical, quota()))


def quota(root: Path = CGROUPS, own: Path = OWN_CGROUPS) -> int:
    """Whole processors that control groups leave to this process, at least 1; very many without a limit.

    A group is held to the limits of those above it as well, so the least of them counts. Both versions
    are read: `cpu.max` ("150000 100000", in microseconds, or "max …") of version 2, and of version 1
    `cpu.cfs_quota_us` (-1 for none) with `cpu.cfs_period_us`.

    Args:
        root: where control groups are mounted.
        own: the file that says which ones this process is in. In a container its paths may be those
            of the host, which are not there: then the limits at the root count, which are its own.
    """
    limits = [UNLIMITED]
    for controllers, path in _memberships(own):
        tops = [root, root / "unified"] if not controllers else [root / controllers, root / "cpu"]
        for top in tops:
            group = top / path
            for directory in (group, *group.parents):
                if directory == top.parent:
                    break
                limits.append(_limit(directory))
    return max(1, min(limits))


def _memberships(own: Path) -> list[tuple[str, str]]:
    """The groups that may limit processors: controllers ("" for version 2), and path below the root."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        lines = []
    found = [(parts[1], parts[2].strip("/")) for parts in lines if len(parts) == 3]
    relevant = [(names, path) for names, path in found if not names or "cpu" in names.split(",")]
    return relevant or [("", ""), ("cpu", "")]


def _limit(group: Path) -> int:
    try:
        if (group / "cpu.max").exists():
            allowed, period = (group / "cpu.max").read_text().split()
        else:
            allowed = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        return int(allowed) // int(period) if int(allowed) > 0 else UNLIMITED
    except (OSError, ValueError, ZeroDivisionError):  # no such limit, or "max"
        return UNLIMITED


def name() -> str:
    """The processor's name."""
    return _told("model name") or platform.processor() or platform.machine()


def flags() -> str:
    """What the processor can do, as Linux names it; "" where that is not told."""
    return _told("flags") or _told("Features")


def _told(what: str) -> str:
    """The first such line of what Linux says of the processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(what)), "")


def bfloat16() -> str:
    """What multiplies bfloat16 in hardware: "amx" (matrices), "avx512" (vectors), or ""."""
    can = flags()
    return "amx" if "amx_bf16" in can else "avx512" if "avx512_bf16" in can else ""
