"""The saved model: the winner's seeds as one model, or with `--single` the first seed's."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.markdown import points
from tests.helpers.origins import with_keras
from tests.helpers.runs import SMALL_RUN, Tune, report_of

PREDICT = """
import sys, keras, numpy as np
model = keras.saving.load_model("model/model.keras")
np.save("said.npy", model.predict(np.load("images.npz")["images"], verbose=0))
own = [layer for layer in model.layers if not type(layer).__module__.startswith("keras.")]
assert not own, own
assert not any(name in sys.modules for name in ("tuner", "search_spaces"))
"""


@pytest.fixture(scope="module")
def run(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run."""
    place = tmp_path_factory.mktemp("ensemble")
    return shutil.copytree(small_run, place / "runs" / "digits")


def _close(run: Path, said: Any, expected: Any) -> bool:
    """Whether probabilities agree: to the last digits, if trained in float32, as what is saved is."""
    precision = json.loads((run / "run.json").read_text())["environment"]["precision"]
    return np.allclose(said, expected, atol=1e-4 if precision == "float32" else 0.03)


def _at_its_temperature(run: Path, said: Any) -> Any:
    """The same probabilities, as surely as the saved model says them."""
    powers = np.float64(said) ** (1 / report_of(run)["final"]["shipped"]["temperature"])
    return powers / powers.sum(1, keepdims=True)


def _said(run: Path) -> tuple[Any, list[Any]]:
    """The answers of the saved model, and of each seed, for the images that are shown."""
    with_keras(PREDICT, run)
    with np.load(run / "predictions.npz") as saved, np.load(run / "images.npz") as shown:
        seeds = [saved[f"test/tuned/{seed}"][shown["indices"]] for seed in range(2)]
    return np.load(run / "said.npy"), seeds


def test_it_averages_the_seeds_and_loads_without_this_project(run: Path) -> None:
    said, seeds = _said(run)
    assert not np.allclose(seeds[0], seeds[1], atol=1e-3)
    mean = np.mean(seeds, axis=0)
    assert report_of(run)["final"]["shipped"]["temperature"] != 1
    assert _close(run, said, _at_its_temperature(run, mean))
    assert (said.argmax(1) == mean.argmax(1)).all()
    assert json.loads((run / "model" / "model.json").read_text())["seeds"] == 2


def test_the_report_speaks_of_it(run: Path) -> None:
    text, facts = (run / "report.md").read_text(), report_of(run)["final"]
    assert re.search(r"\*\*The saved model, 2 seeds of the (tuned|default) CNN together, reads ", text)
    assert " One seed alone reads " in text
    assert facts["shipped"]["seeds"] == 2
    assert facts["shipped"]["parameters"] == 2 * facts["parameters"]
    assert facts["shipped"]["test_accuracy"] == facts["ensemble_test_accuracy"]


def test_the_report_says_how_sure_it_was_before(run: Path) -> None:
    """Calibration before and after, from the stored predictions, and what chance makes of it."""
    text, facts = (run / "report.md").read_text(), report_of(run)["final"]
    found = facts["calibration"]
    with np.load(run / "predictions.npz") as saved:
        mean = np.mean([saved["test/tuned/0"], saved["test/tuned/1"]], axis=0)
        labels = saved["test_labels"]
    rows = np.arange(len(labels))
    after = _at_its_temperature(run, mean)
    assert found["log_loss_before"] == pytest.approx(-np.log(mean[rows, labels]).mean(), rel=1e-3)
    assert found["log_loss"] == pytest.approx(-np.log(after[rows, labels]).mean(), rel=1e-3)
    assert found["log_loss"] < found["log_loss_before"]
    assert facts["calibration_error"] == found["error"] < found["error_before"]
    assert found["error_by_chance_95"] > 0
    for sentence in (
        f"claim and accuracy lie {points(found['error'])} points apart on average",
        f"chance alone makes that up to {points(found['error_by_chance_95'])} in 95\u00a0% of cases",
        f"have a temperature of {found['temperature']:.2f}",
        f"its log loss is {found['log_loss']:.3f}",
        f"Without it they would lie {points(found['error_before'])} points apart, "
        f"and the log loss be {found['log_loss_before']:.3f}",
    ):
        assert sentence in text


def test_the_code_in_the_report_runs(run: Path) -> None:
    [block] = re.findall(r"```python\n(.*?)```", (run / "report.md").read_text(), re.DOTALL)
    Image.new("L", (20, 20)).save(run / "photo.png")
    assert re.fullmatch(r"\d \d+%", with_keras(block, run).strip())


def test_the_other_one_is_saved_when_asked_for_and_the_test_labels_are_not_read_again(
    tune_forked: Tune, run: Path
) -> None:
    place = run.parents[1]
    assert tune_forked(*SMALL_RUN, "--single", cwd=place).returncode == 0
    said, seeds = _said(run)
    assert _close(run, said, _at_its_temperature(run, seeds[0]))
    text, facts = (run / "report.md").read_text(), report_of(run)["final"]
    assert re.search(r"\*\*The saved (tuned|default) CNN reads ", text)
    assert " Over 2 seeds it reads " in text
    assert facts["shipped"]["test_accuracy"] == facts["test_accuracy"]["per_seed"][0]
    assert facts["shipped"]["parameters"] == facts["parameters"]
    assert tune_forked(*SMALL_RUN, "--save-ensemble", cwd=place).returncode == 0  # what it once was called
    said, seeds = _said(run)
    assert _close(run, said, _at_its_temperature(run, np.mean(seeds, axis=0)))
    assert len((run / "test_reads.jsonl").read_text().splitlines()) == 1
