"""`tune export --to script`: one plain file that trains the winner again."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search_spaces import SEARCH_SPACES
from search_spaces.family import Family, Task
from tests.helpers.builders import csv_text
from tests.helpers.runs import Tune
from tests.tuner.use.conftest import digits
from tuner.datasets import load, quiet
from tuner.datasets.base import DataOptions
from tuner.ending.sealed_labels import read_test_labels
from tuner.errors import UsageError
from tuner.registry import resolve
from tuner.use.exports import layer_code, script_data


def test_the_script_alone_trains_the_winner_as_well(
    tune: Tune, used: Path, environment: dict[str, str]
) -> None:
    exported = tune("export", "digits", "--to", "script", cwd=used)
    assert (exported.returncode, exported.stderr) == (0, "")  # nor has TensorFlow said anything
    folder = used / "runs" / "digits" / "exports"
    text = (folder / "train_best.py").read_text()
    assert not re.search(r"^(from|import) (tuner|search_spaces|reports)", text, re.MULTILINE)
    scripts = [folder / f"seed{seed}.py" for seed in range(3)]  # the interval is of the mean over seeds
    for seed, script in enumerate(scripts):
        script.write_text(text.replace("set_random_seed(0)", f"set_random_seed({seed})"))
    each = "import runpy, sys\nfor script in sys.argv[1:]: runpy.run_path(script)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", each, *map(str, scripts)],
        cwd=used,
        env={**environment, "PYTHONPATH": "", "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    reached = [float(found) for found in re.findall(r"test accuracy ([\d.]+)\s*$", done.stdout, re.MULTILINE)]
    assert len(reached) == len(scripts)
    assert len(set(reached)) > 1
    accuracy = json.loads((used / "runs" / "digits" / "report.json").read_text())["final"]["test_accuracy"]
    low, high = accuracy["ci95"]
    assert low <= np.mean(reached) <= high
    assert len(np.loadtxt(folder / "test_rows.txt")) == 359


@pytest.mark.parametrize("name", ["cnn", "cnn-full", "mlp", "resnet"])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_lines_build_the_same_network(name: str, classes: int) -> None:
    import keras

    family: Family = resolve(SEARCH_SPACES[name])
    params = family.space(Task((24, 24, 3), classes, 1000, flips=True)).default()
    model = family.build(params, (24, 24, 3), classes)
    space: dict[str, Any] = {"keras": keras, "layers": keras.layers}
    exec("\n".join(layer_code.lines(model)), space)
    again = keras.Model(space["inputs"], space["outputs"])
    again.set_weights(model.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    assert np.array_equal(model.predict(images, verbose=0), again.predict(images, verbose=0))
    ours = [type(layer).__name__ for layer in model.layers]
    assert [type(layer).__name__ for layer in again.layers] == ours
    for one, other in zip(model.layers, again.layers, strict=True):  # what training alone shows
        assert dropped(one.get_config()) == dropped(other.get_config())


def dropped(config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration without names, of which Keras makes new ones, and seeds."""
    return {
        key: dropped(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in {"name", "seed", "rng_seed"}
    }


def test_a_layer_of_ones_own_is_refused_by_name() -> None:
    import keras

    class Mine(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
        def call(self, x: Any) -> Any:
            return x

    inputs = keras.Input((3,))
    with pytest.raises(UsageError, match="'mine_layer', a Mine"):
        layer_code.lines(keras.Model(inputs, Mine(name="mine_layer")(inputs)))


@pytest.mark.parametrize("layout", ["two tables", "one table", "npz", "folder"])
def test_the_images_are_those_of_the_run_whatever_its_files(layout: str, tmp_path: Path) -> None:
    images, labels = digits(120), np.arange(120) % 3
    place = tmp_path / '"; import os; "'
    place.mkdir()
    name = str(written(layout, place, images, labels))
    options = DataOptions(tmp_path / "data", tmp_path / "cache", download=False)
    data = load(name, options, quiet)
    truth = read_test_labels(data, tmp_path / "run", "test", 1)
    to = tmp_path / 'it\'s "here"'
    to.mkdir()
    lines = script_data.lines({"dataset": name}, data, truth, to)
    found: dict[str, Any] = {"__file__": str(to / "train_best.py")}
    exec("\n".join(lines), found)
    assert np.array_equal(found["x_train"], data.train_images)
    assert np.array_equal(found["y_train"], data.train_labels)
    assert np.array_equal(found["x_test"], data.test_images)
    assert np.array_equal(found["y_test"], truth)
    assert (to / "data.npz").exists() is (layout == "folder")
    assert (to / "test_rows.txt").exists() is (layout == "one table")


@given(st.text(st.characters()))
@example('"; import os')
@example('\\\n\'"""')
@example("caf\udce9")
def test_a_text_in_the_script_is_a_literal_whatever_is_in_it(value: str) -> None:
    assert ast.literal_eval(layer_code.literal(value).encode().decode()) == value


def written(layout: str, place: Path, images: Any, labels: Any) -> Path:
    """A data set in the layout; returns what names it."""
    from PIL import Image

    named = [f"class {label}" for label in labels]
    if layout == "two tables":
        (place / "own").mkdir()
        header = ["label", *(f"pixel{i}" for i in range(64))]
        (place / "own" / "train.csv").write_text(csv_text(images[:90], labels[:90], header=header))
        (place / "own" / "test.csv").write_text(csv_text(images[90:], labels[90:], header=header))
        return place / "own"
    if layout == "one table":
        (place / "own.csv").write_text(csv_text(images, labels))
        return place / "own.csv"
    if layout == "npz":
        parts = {"x_train": images[:90], "y_train": labels[:90], "x_test": images[90:], "y_test": labels[90:]}
        np.savez(place / "own.npz", **parts)
        return place / "own.npz"
    for index, (image, label) in enumerate(zip(images, named, strict=True)):
        path = place / "own" / label / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    return place / "own"
