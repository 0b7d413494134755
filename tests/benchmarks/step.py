"""Images a second while training: the default configuration as trials train it, beside plain `Model.fit`.

Both sides have all cores: one worker of one thread for each, or one process of as many threads. Filters,
depth and parameters are the same; the plain side has its layers in their usual order, and its validation and
first steps are not counted against it.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks import peers

TURNS = 3
PLAIN_SECONDS = 35


def run() -> dict[str, Any]:
    """Medians of turns that alternate, so that other work on the machine meets all sides."""
    peers.FOLDER.mkdir(parents=True, exist_ok=True)
    data = peers.FOLDER / "asl.npz"
    peers.write("asl", data)
    sides: dict[str, Callable[[], float]] = {
        "plain": lambda: float(peers.peer("plain", data, PLAIN_SECONDS)["images_per_second"]),
        **{name: partial(_ours, data, name) for name in ("float32", "bfloat16")},
    }
    turns: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(TURNS):
        for side, measure in sides.items():
            turns[side].append(measure())
    print("| side | images a second, each turn | times plain |")
    print("| --- | ---: | ---: |")
    plain = statistics.median(turns["plain"])
    for side, found in turns.items():
        each = ", ".join(f"{rate:,.0f}" for rate in found)
        print(f"| {side} | {each} | {statistics.median(found) / plain:.2f} |", flush=True)
    return {"images_per_second": turns}


def _ours(data: Path, precision: str) -> float:
    """Through all workers at once, an epoch's validation included."""
    command = [
        sys.executable,
        "-m",
        "tuner.cli",
        "plan",
        str(data),
        "--space",
        "cnn",
        "--precision",
        precision,
        "--json",
    ]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return float(told["costs"]["images_per_second"] * told["costs"]["workers"])
