"""Programs that JAX compiles, kept for later trials and runs."""

import os
import platform
from hashlib import sha256

from tuner.datasets import default_cache_dir
from tuner.workers import cores
from tuner.workers.devices import backend

FOLDER = "JAX_COMPILATION_CACHE_DIR"
MOST_BYTES = 1 << 30


def keep() -> None:
    """Has JAX, not imported yet, keep them in the user's cache, unless the environment says where.

    A trial of a shape that was trained before starts in a fifth of the time. A program for one processor may
    crash on another, so what a processor can do is in the path.
    """
    if backend() != "jax" or os.environ.get(FOLDER):
        return
    processor = sha256(f"{platform.machine()} {cores.name()} {cores.flags()}".encode()).hexdigest()[:16]
    os.environ[FOLDER] = str(default_cache_dir() / "jax" / processor)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_COMPILATION_CACHE_MAX_SIZE", str(MOST_BYTES))
