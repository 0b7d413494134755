"""`tune clean`."""

import shutil
import sys
from pathlib import Path

import typer

from tuner.cli import options as opt


def clean(
    yes: bool = typer.Option(False, "--yes", help="Remove them; without it they are only listed."),
    out: opt.Out = Path("runs"),
) -> int:
    """List, and with --yes remove, caches, also those for clusters, and the runs set aside by --fresh."""
    from tuner.datasets import default_cache_dir
    from tuner.run_dir import is_set_aside
    from tuner.workers.executors.staging import kept

    cache = default_cache_dir()
    aside = [path for path in out.glob("*") if is_set_aside(path)]
    found = [*(sorted(cache.iterdir()) if cache.is_dir() else []), *kept(), *sorted(aside)]
    for path in found:
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / 1e6
        sys.stdout.write(f"{size:9.1f} MB  {path}\n")
        if yes:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    sys.stdout.write(
        ("removed" if yes else "listed; --yes removes them") + f": {len(found)}\n"
        if found
        else "nothing to clean\n"
    )
    return 0
