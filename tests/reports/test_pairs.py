"""How runs differ, and which of their winners is better on the same test images."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reports import pairs

Runs = Callable[[str], Path]


def copied(run: Path, path: Path, **config: Any) -> Path:
    shutil.copytree(run, path)
    facts = json.loads((path / "run.json").read_text())
    facts["config"] |= config
    (path / "run.json").write_text(json.dumps(facts))
    return path


def test_options_that_differ_are_named_with_the_runs_that_have_them(runs: Runs, tmp_path: Path) -> None:
    paths = [
        copied(runs("asl"), tmp_path / "one", trials=20, name="one", settings=[]),
        copied(runs("asl"), tmp_path / "two", trials=50, name="two", settings=["filters=8"]),
        copied(runs("asl"), tmp_path / "three", trials=20, name="three", settings=[]),
    ]
    assert pairs.differing_options(paths) == [
        "--trials: 20 (one, three); 50 (two)",
        "--set: none (one, three); filters=8 (two)",
    ]
    assert pairs.differing_options(paths[:1]) == []


def test_winners_on_the_same_images_are_compared_in_pairs(runs: Runs, tmp_path: Path) -> None:
    one, two = (copied(runs("asl"), tmp_path / name) for name in ("one", "two"))
    with np.load(two / "predictions.npz") as loaded:
        arrays = dict(loaded)
    for name in [name for name in arrays if name.startswith("test/tuned/")]:
        arrays[name] = arrays[name][:, ::-1]
    np.savez(two / "predictions.npz", **arrays)
    (line,) = pairs.paired([one, two, copied(runs("interrupted"), tmp_path / "three")])
    assert line.startswith("one minus two: +")
    assert line.endswith(": one is better")
    assert " points (" in line


def test_winners_on_other_images_are_not_compared(runs: Runs, tmp_path: Path) -> None:
    one, two = (copied(runs("asl"), tmp_path / name) for name in ("one", "two"))
    with np.load(two / "predictions.npz") as loaded:
        arrays = dict(loaded)
    arrays["test_labels"] = arrays["test_labels"][::-1].copy()
    np.savez(two / "predictions.npz", **arrays)
    assert pairs.paired([one, two]) == []
    (two / "predictions.npz").write_bytes(b"damaged")
    assert pairs.paired([one, two]) == []


def test_a_run_and_its_copy_cannot_be_told_apart(runs: Runs, tmp_path: Path) -> None:
    paths = [copied(runs("asl"), tmp_path / name) for name in ("one", "two")]
    (line,) = pairs.paired(paths)
    assert line.startswith("one minus two: 0.0 points (")
    assert line.endswith(": not distinguishable")
