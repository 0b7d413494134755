"""Which precision trials are trained in."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from tuner import versions
from tuner.files import write_json
from tuner.workers import cores
from tuner.workers.devices import Device, Slot, backend
from tuner.workers.executors import surroundings

FLOAT32, BFLOAT16 = "float32", "mixed_bfloat16"

WORTH = 1.1
"""How much faster bfloat16 has to be."""

LEAST_SIDE = 16
"""Pixels: where images are smaller bfloat16 is not faster (a step of the default CNN on Zen 5, in float32 and
in bfloat16: 2.7 and 2.8 ms at 8 pixels a side, 5.3 and 4.8 at 16, 20.0 and 15.5 at 28)."""

PROBE_SECONDS = 90


def policy(
    wanted: str,
    devices: Sequence[Device],
    cache_dir: Path,
    say: Callable[[str], None],
    *,
    side: int,
    probe: bool = True,
) -> str:
    """Keras' dtype policy for `--precision`; what is fixed (baselines) is always trained in float32.

    "auto" is mixed_bfloat16 on processors with AMX. With AVX512-BF16 alone it is so where a step of the
    default CNN is measured to be faster in it: on Zen 5 it was (28 instead of 39 ms), on a Xeon whose AMX
    was off it was not (53 instead of 38 ms). Else it is float32. Weights, norms, dense layers and losses
    stay float32.
    With AVX512-BF16, 24 configurations from three seeds in each precision: in bfloat16 accuracy is 0.2
    points higher on Sign Language MNIST (standard error 0.3), 0.06 on 2,000 images of MNIST (0.08), and the
    configurations differ by about as much as seeds explain (`tests/benchmarks/README.md`). So finalists and
    retrainings are trained in it as well. With AMX it was 1.8 times as fast, and 0.8 points lower (1.0, 15
    pairs of the default).

    Args:
        wanted: "auto", "float32" or "bfloat16".
        devices: that trials are trained on.
        cache_dir: where the measured times are kept, for each processor and version of the framework.
        say: tells the user before something is measured, which takes some ten seconds.
        side: pixels of the shorter side of the images; of small ones nothing is measured either.
        probe: False to measure nothing, so that what was measured once cannot decide a result.
    """
    if wanted != "auto":
        return {"float32": FLOAT32, "bfloat16": BFLOAT16}[wanted]
    if all(device.bfloat16 == "amx" for device in devices):
        return BFLOAT16
    here = all(device.bfloat16 == "avx512" and not device.node for device in devices)
    return BFLOAT16 if probe and here and side >= LEAST_SIDE and _is_faster(cache_dir, say) else FLOAT32


def _is_faster(cache_dir: Path, say: Callable[[str], None]) -> bool:
    """Whether steps are faster in bfloat16; no where that cannot be measured."""
    path = remembered(cache_dir)
    try:
        times = json.loads(path.read_text())
    except (OSError, ValueError):
        say("measuring once whether this processor trains faster in bfloat16")
        times = _measured()
        with suppress(OSError):  # a cache that cannot be written to is measured for again
            if times:
                write_json(path, times)
    return bool(times) and times[FLOAT32] >= WORTH * times[BFLOAT16]


def remembered(cache_dir: Path) -> Path:
    """The file with the milliseconds of a step in each precision, by this processor and framework."""
    parts = (
        cores.name(),
        backend(),
        *(f"{k} {v}" for k, v in versions.installed(("keras", backend())).items()),
    )
    return cache_dir / "precision" / f"{sha256(' '.join(parts).encode()).hexdigest()[:16]}.json"


def _measured() -> dict[str, float]:
    """Milliseconds of a step by policy; empty where the measurement fails."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tuner.training.precisions"],
            env=surroundings.environment(os.environ, Slot(0, Device("cpu", "", ""), 1, 1).environment()),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            start_new_session=True,  # Ctrl-C is for the parent, which would take it for a failure
            check=True,
        )
        times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return {}
    return times
