"""`python -m tests.benchmarks [NAME…]`: measures, prints tables, and keeps the figures in `bench/`."""

import argparse
import importlib
import json
import platform
import time
from pathlib import Path
from typing import Any

BENCHMARKS = {
    "cost": "what the parent adds to the trials' own time",
    "cluster": "how many workers one parent keeps busy",
    "memory": "what workers hold on to over many trials",
    "replay": "which scheduler finds the best trials, on recorded curves",
    "truth": "which copies and wrong labels are found, and how often intervals and verdicts are right",
    "candidates": "which configurations a search had better try first, at equal time",
    "extension": "what TPE is best told of finished trials when a search goes on",
    "calibration": "which temperature suits the mean of several seeds",
    "distil": "whether one network that learns from several is better than one that learns the labels",
    "transfer": "what features of a network with ImageNet weights bring on photographs",
    "peers": "accuracy by time, beside what users of other tools write",
    "step": "images a second while training, beside plain `Model.fit`",
    "ranks": "whether bfloat16 ranks trials as float32 does",
    "schedules": "which learning-rate schedule reaches most, and shows it early",
}
"""Each is a module beside this one, with `run() -> dict` (JSON) that prints as it goes."""

OUT = Path("bench")


def main() -> None:
    """Runs those that are named, or all that there are."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    names = ", ".join(f"{name} ({what})" for name, what in BENCHMARKS.items())
    parser.add_argument("name", nargs="*", help=f"which: {names}; all of them without")
    parser.add_argument(
        "--quick", action="store_true", help="of peers: one turn of a minute each; of transfer: two folds"
    )
    asked = parser.parse_args()
    named = asked.name
    unknown = [name for name in named if name not in BENCHMARKS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: expected names among {', '.join(BENCHMARKS)}")
    if asked.quick and named not in (["peers"], ["transfer"]):
        parser.error("--quick is for peers or transfer")
    for name in named or [name for name in BENCHMARKS if _is_there(name)]:
        print(f"\n## {name}: {BENCHMARKS[name]}\n", flush=True)
        began = time.monotonic()
        options = {"quick": True} if asked.quick else {}
        figures = importlib.import_module(f"tests.benchmarks.{name}").run(**options)
        _keep(name, figures, time.monotonic() - began)


def _is_there(name: str) -> bool:
    return Path(__file__).with_name(f"{name}.py").exists()


def _keep(name: str, figures: dict[str, Any], seconds: float) -> None:
    OUT.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "platform": platform.platform()}
    path = OUT / f"{name}.json"
    path.write_text(json.dumps({"machine": machine, "seconds": seconds, **figures}, indent=1) + "\n")
    print(f"\n{path} has the figures", flush=True)


if __name__ == "__main__":
    main()
