"""Use of heads on ImageNet features: what is saved, exported and written out has the whole network."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search_spaces.family import Task
from search_spaces.pretrained import FAMILY
from tests.helpers.runs import report_of
from tests.tuner.conftest import WRONG
from tests.tuner.use.test_export import labels_inside, needing
from tuner import load
from tuner.errors import UsageError
from tuner.use.description import Place
from tuner.use.exports import script_features
from tuner.use.exports.export import export
from tuner.use.exports.formats import FORMATS

CLASSES = ["china", "china-grey", "flower", "flower-grey"]


@pytest.fixture
def place(photograph_run: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("TUNE_CACHE_DIR", environment["TUNE_CACHE_DIR"])
    return Place.find(photograph_run, Path())


@pytest.mark.slow
def test_each_format_agrees_with_keras_in_its_own_runtime(place: Place, tmp_path: Path) -> None:
    for name in FORMATS:
        needing(name)
    exported = list(export(place, list(FORMATS), None, tmp_path))
    assert [each.path.name for each in exported] == [FORMATS[name].file for name in FORMATS]
    for name, each in zip(FORMATS, exported, strict=True):
        assert each.parity is not None
        assert each.parity.on == "test images"
        assert each.parity.agreement >= 0.999
        assert each.parity.largest_difference < 5e-3  # features are rounded to float16
        predict = FORMATS[name].open(each.path)
        for count in (1, 7):
            said = np.asarray(predict(np.zeros((count, 48, 48, 3), np.uint8)))
            assert said.shape == (count, len(CLASSES))
        if name != "keras":
            assert labels_inside(name, each.path) == CLASSES


@pytest.mark.slow
def test_labels_are_doubted_by_heads_that_did_not_see_the_image(photograph_run: Path) -> None:
    """Of what the best head says of its fresh folds, and of nothing else."""
    final = json.loads((photograph_run / "final.json").read_text())
    assert "head" in final["models"][0]["params"]
    with (
        np.load(photograph_run / "predictions.npz") as saved,
        np.load(photograph_run / "splits.npz") as split,
    ):
        folds = split["fresh"]
        said = {fold: row for fold in range(5) if (row := saved.get(f"validation/tuned/{fold}")) is not None}
    doubted = final["doubtful_labels"]
    assert doubted["looked_at"] == sum(map(len, said.values())) == np.isin(folds, list(said)).sum() > 0
    assert doubted["found"] > 0
    assert Path(doubted["items"][0]["name"]).name in WRONG
    for item in doubted["items"]:
        fold = folds[item["image"]]
        row = said[fold][np.flatnonzero(folds == fold) == item["image"]][0]
        assert CLASSES[row.argmax()] == item["predicted"] != item["label"]
        assert item["probability"] == pytest.approx(row.max(), abs=1e-4)


@pytest.mark.slow
def test_photographs_of_any_size_are_read(photograph_run: Path, tmp_path: Path) -> None:
    files = sorted((photograph_run.parents[1] / "photographs" / "flower").glob("*.png"))[::10]
    for number, file in enumerate(files):
        Image.open(file).resize((70 + 20 * number, 90)).save(tmp_path / f"{number}.jpg")
    found = load(photograph_run).predict([str(tmp_path)])
    assert len(found) == len(files) > 3
    assert (found["label"] == "flower").mean() > 0.5


@pytest.mark.slow
def test_the_script_alone_trains_the_head_as_well(place: Place, tmp_path: Path) -> None:
    [exported] = export(place, ["script"], None, tmp_path)
    text = exported.path.read_text()
    assert not re.search(r"^(from|import) (tuner|search_spaces|reports)", text, re.MULTILINE)
    assert "mirrored = " in text
    done = subprocess.run(
        [sys.executable, "-I", str(exported.path)],
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TUNE_WEIGHTS": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"test accuracy ([\d.]+)\s*$", done.stdout)
    assert found is not None
    assert place.run is not None
    low, high = report_of(place.run)["final"]["test_accuracy"]["ci95"]
    assert low <= float(found[1]) <= high


def test_training_on_drawn_versions_of_images_is_refused() -> None:
    assert FAMILY.features is not None
    params = FAMILY.space(Task((48, 48, 3), 4, 5000, flips=True)).default()
    assert [script_features.mirrored(FAMILY.features, {**params, "views": n}) for n in (1, 2)] == [
        False,
        True,
    ]
    with pytest.raises(UsageError, match="has seen 3 versions of each"):
        script_features.mirrored(FAMILY.features, {**params, "views": 3})
