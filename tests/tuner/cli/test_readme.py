"""Every command in the README and docs/ runs, only shorter, with workers that follow curves.

`docs/predict.md`, `docs/export.md` and what is about clusters have tests of their own; `tests/tuner/run` has
runs that train.
"""

import gzip
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import ROOT
from tests.helpers.runs import Tune

pytestmark = pytest.mark.slow

README = ROOT / "README.md"
ELSEWHERE = {"predict", "export", "clusters"}
PAGES = [README, *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem not in ELSEWHERE)]

SHORTER = [
    "--trials",
    "1",
    "--epochs",
    "1",
    "--seeds",
    "1",
    "--finalists",
    "1",
    "--baselines",
    "majority",
    "--plain",
]
"""Given again at the end of a command, an option replaces what stands before."""

EDGE = 12
"""Pixels of a side of the images made here."""


def blocks(language: str) -> list[str]:
    text = "\n".join(page.read_text() for page in PAGES)
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("tune ")]
    lines = [line for line in lines if "--on ray" not in line]
    found = {tuple(shlex.split(line, comments=True)[1:]): None for line in lines}
    return [list(words) for words in found]


def shapes(count: int, edge: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a square whose place says the class, 0 or 1."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 120, (count, edge, edge)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2:6, 2 + 4 * label : 6 + 4 * label] = 250
    return images, labels


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, curve_run: Path, small_run: Path) -> Path:
    """A folder with all that the README's commands speak of."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(curve_run, folder / "runs" / "digits")
    shutil.copytree(small_run, folder / "runs" / "photos")  # stands for what `tune photos` left
    images, labels = shapes(60, EDGE, 0)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "photos" / ("left", "right")[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    shutil.copytree(folder / "photos" / "left", folder / "new")
    small, letters = shapes(60, 8, 1)
    rows = [",".join(["label", *(f"p{i}" for i in range(64))])]
    rows += [
        ",".join(map(str, ["ab"[k], *pixels]))
        for k, pixels in zip(letters, small.reshape(60, -1), strict=True)
    ]
    (folder / "letters.csv").write_text("\n".join(rows) + "\n")
    files = ["path,kind,person"]
    files += [f"photos/{('left', 'right')[k]}/{i}.png,{'ab'[k]},{i // 6}" for i, k in enumerate(labels)]
    (folder / "files.csv").write_text("\n".join(files) + "\n")
    (space,) = blocks("toml")
    (folder / "mine.toml").write_text(space)
    sets(folder / "data")
    return folder


def sets(folder: Path) -> None:
    """Small files in the layouts of asl and mnist."""
    rng = np.random.default_rng(2)
    asl = folder / "asl"
    asl.mkdir(parents=True)
    classes = [label for label in range(25) if label != 9]
    for name, count in (("train", 240), ("test", 96)):
        labels = np.resize(classes, count)
        pixels = rng.integers(0, 256, (count, 784))
        head = ",".join(["label", *(f"pixel{i + 1}" for i in range(784))])
        rows = "\n".join(",".join(map(str, [k, *p])) for k, p in zip(labels, pixels, strict=True))
        with gzip.open(asl / f"sign_mnist_{name}.csv.gz", "wt") as file:
            file.write(f"{head}\n{rows}\n")
    (folder / "mnist").mkdir()
    digits = np.resize(np.arange(10), 200).astype(np.uint8)
    images = rng.integers(0, 256, (200, 28, 28)).astype(np.uint8)
    np.savez(
        folder / "mnist" / "mnist.npz",
        x_train=images,
        y_train=digits,
        x_test=images[::2] ^ 255,
        y_test=digits[::2],
    )


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_every_command(tune_curves: Tune, place: Path, arguments: list[str]) -> None:
    searches = arguments[0] not in {
        "plan", "status", "report", "compare", "datasets", "spaces", "baselines", "clean", "predict"
    }  # fmt: skip
    if searches:
        name = f"run{len(list((place / 'runs').iterdir()))}"
        arguments = [*arguments, *SHORTER, "--name", name]
    done = tune_curves(*arguments, cwd=place, TUNE_DATA_DIR=str(place / "data"))
    assert done.returncode == 0, done.stderr + done.stdout
    if searches:
        assert "report: " in done.stdout


def test_the_python_example(curves: dict[str, str], tmp_path: Path) -> None:
    code = "\n".join(blocks("python"))  # those of docs/python.md, one after the other
    short = "trials=1, epochs=1, seeds=1, finalists=1, baselines=['majority'], out='runs'"
    assert "trials=10" in code
    done = subprocess.run(
        [sys.executable, "-c", code.replace("trials=10", short)],
        cwd=tmp_path,
        env=curves,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ci95" in done.stdout
    command = json.loads((tmp_path / "runs" / "from-python" / "report.json").read_text())["command"]
    options = "--trials 1 --epochs 1 --baselines majority --seeds 1 --finalists 1 --name from-python"
    assert command == f"tune digits {options}"


def test_the_first_line_is_what_the_second_tests() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("python3")]
    assert [line.split(" && ")[-1] for line in lines] == [".venv/bin/tune digits", ".venv/bin/nox"]
    assert lines[1] in (README.parent / ".ci" / "run").read_text().splitlines()
