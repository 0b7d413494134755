"""Whatever lies in a folder, the command line accounts for every file or refuses in a few lines."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.builders import (
    csv_text,
    cycle,
    image_folder,
    noise,
    npz_bytes,
    pixel_header,
    png_bytes,
    write,
)
from tests.helpers.runs import Tune

PARTS_OF_FILES = (
    "columns of ",
    "arrays in ",
    "labels in ",
    "images of another split in ",
    "test images of a class",
)
"""Reasons that count rows, columns or arrays, and no files."""

WORD = st.sampled_from(
    ["train", "Test", "val", "cat", "dog", "猫", "🦊", "1", "01", "café", "a b", ".x", "data", "e\u0301"]
)
KIND = st.sampled_from(
    ["png", "png", "", "txt", "csv", "labels.csv", "npz", "npy", "zip", "parquet", "zero.png", "xyz"]
)
FILES = st.tuples(st.lists(WORD, max_size=3), KIND, st.integers(1, 8))


def put(path: Path, kind: str, number: int) -> None:
    """One file of that kind; its content differs by the number."""
    images, labels = noise(12, seed=number), cycle(12, 2)
    if kind in {"png", ""}:
        write(path, png_bytes(images[0]))
    elif kind == "csv":
        write(path, csv_text(images, labels, header=pixel_header(64)))
    elif kind == "labels.csv":
        write(path, "\n".join(["id,label", *(f"{i},{label}" for i, label in enumerate(labels))]))
    elif kind == "npz":
        write(path, npz_bytes(x=images, y=labels))
    elif kind == "npy":
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, images)
    elif kind == "zip":
        root = Path(tempfile.mkdtemp())
        image_folder(root, images, labels)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.make_archive(str(path.with_suffix("")), "zip", root)
        shutil.rmtree(root)
    else:
        write(path, b"" if kind == "zero.png" else b"words, and more\n1,2\n")


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.booleans(), st.lists(FILES, min_size=1, max_size=5))
def test_every_file_is_accounted_for_or_the_command_ends_with_2(
    tune_curves: Tune, whole: bool, drawn: list[tuple[list[str], str, int]]
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        root = folder / "d"
        if whole:
            image_folder(root, noise(24, seed=99), np.array(["ant", "bee"])[cycle(24, 2)])
        number = 0
        for parts, kind, count in drawn:
            for _ in range(count):
                number += 1
                put(root.joinpath(*parts) / (f"{number:03}.{kind}" if kind else f"{number:03}"), kind, number)
        options = ["--json", "--workers", "1", "--baselines", "majority", "--trials", "1", "--epochs", "1"]
        done = tune_curves("plan", "d", *options, cwd=folder)
        assert "Traceback" not in done.stderr
        if done.returncode == 2:
            told = done.stderr[done.stderr.index("error: ") :]
            assert len(told.splitlines()) <= 3
            return
        assert done.returncode == 0, done.stderr
        reading = json.loads(done.stdout)["audit"]["reading"]
        unused = [item for item in reading["unused"] if not item["why"].startswith(PARTS_OF_FILES)]
        opened = [
            path for path in root.glob("*.zip") if f"{path.name} files" not in {i["why"] for i in unused}
        ]
        there = sum(path.is_file() for path in root.rglob("*")) + 11 * len(opened)  # twelve files in each
        assert reading["used"] + sum(item["count"] for item in unused) == there
    finally:
        shutil.rmtree(folder)
