"""The code that a report shows runs as it stands."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from reports.facts.summary import RunSummary
from reports.sections.usage import render
from tests.helpers.origins import with_keras

Runs = Callable[[str], Path]

BUILD = """
import sys, keras
shape, classes = tuple(map(int, sys.argv[1].split(","))), int(sys.argv[2])
inputs = keras.Input(shape, dtype="uint8")
x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
model = keras.Model(inputs, keras.layers.Dense(units, activation=activation)(x))
model.save("model/model.keras")
"""


def code_of(run: Path) -> str:
    [found] = re.findall(r"```python\n(.*?)```", render(RunSummary.load(run)), re.DOTALL)
    return str(found)


@pytest.mark.parametrize("variant", ["asl", "binary"])
def test_the_code_compiles_and_fits_the_data(runs: Runs, variant: str) -> None:
    code = code_of(runs(variant))
    compile(code, "report", "exec")
    assert ("1 - p" in code) == (variant == "binary")
    assert ('convert("L")' in code) == (variant == "asl")


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["alone", "binary"])
def test_the_code_runs(runs: Runs, tmp_path: Path, variant: str) -> None:
    summary = RunSummary.load(runs(variant))
    names = summary.dataset.class_names
    (tmp_path / "model").mkdir()
    Image.new("RGB", (40, 30), "teal").save(tmp_path / "photo.png")
    (tmp_path / "model" / "labels.json").write_text(json.dumps(names))
    shape = ",".join(map(str, summary.dataset.image_shape))
    code = code_of(runs(variant))
    script = f"import sys; sys.argv = ['x', {shape!r}, '{len(names)}']\n{BUILD}\n{code}"
    said = with_keras(script, tmp_path)
    assert re.fullmatch(rf"({'|'.join(names)}) \d+%", said.strip())
