"""Completion in the shell: names of data sets, spaces, baselines and runs, and paths."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def data(incomplete: str) -> list[str]:
    """Data sets by name, then paths."""
    from tuner.datasets import DATASETS

    return [*_starting(DATASETS, incomplete), *paths(incomplete)]


def spaces(incomplete: str) -> list[str]:
    """Search spaces by name, then files that may hold one."""
    from search_spaces import SEARCH_SPACES

    return [*_starting(SEARCH_SPACES, incomplete), *paths(incomplete, (".toml", ".py"))]


def baselines(incomplete: str) -> list[str]:
    """The words that may follow the last comma."""
    from tuner.baselines import BASELINES

    before, comma, last = incomplete.rpartition(",")
    words = BASELINES if comma else ["all", "none", *BASELINES]
    return [f"{before}{comma}{word}" for word in _starting(words, last)]


def runs(ctx: Any, incomplete: str) -> list[str]:
    """Runs by name in `--out`, then paths."""
    out = Path(ctx.params.get("out") or "runs")
    names = sorted(found.parent.name for found in out.glob("*/run.json"))
    return [*_starting(names, incomplete), *paths(incomplete)]


def paths(incomplete: str, suffixes: tuple[str, ...] = ()) -> list[str]:
    """Folders, with a slash behind, and files; of these only ones with the suffixes, where there are any."""
    folder, slash, last = incomplete.rpartition("/")
    try:
        beside = sorted(Path(folder + slash or ".").iterdir())
    except OSError:
        return []
    shown = [path for path in beside if path.name.startswith(last) and (last or path.name[0] != ".")]
    return [
        f"{folder}{slash}{path.name}{'/' if path.is_dir() else ''}"
        for path in shown
        if path.is_dir() or not suffixes or path.suffix in suffixes
    ]


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
