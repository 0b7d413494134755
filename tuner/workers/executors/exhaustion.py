"""The kernel's count of processes that it killed because memory ran out (Linux)."""

from contextlib import suppress
from pathlib import Path

COUNTERS = Path("/proc/vmstat")
"""Of the whole machine: it counts kills for the limits of a container too, in a container those of others."""


def kills() -> int:
    """How many processes were killed because memory ran out since the machine started; 0 if unknown."""
    with suppress(OSError, ValueError):
        for line in COUNTERS.read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0
