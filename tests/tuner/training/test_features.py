"""Heads on real features: what is saved predicts as what was measured, and nothing is computed twice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.family import Task
from search_spaces.pretrained import FAMILY, MIRROR
from tuner.records import EpochReport, TrialResult, TrialSpec, WorkContext
from tuner.run_dir import RunDir
from tuner.training.features import inputs
from tuner.training.perform import perform

pytestmark = pytest.mark.slow

SHAPE = (40, 32, 3)
TRAIN, TEST = 60, 20
NETWORK = "efficientnet_lite0"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> WorkContext:
    """A prepared data set of bright and dark noise, and a run on it."""
    root = tmp_path_factory.mktemp("features")
    data, run = root / "cache" / "datasets" / "noise-01-v1", root / "run"
    data.mkdir(parents=True)
    run.mkdir()
    (data / "dataset.json").write_text(json.dumps({"fingerprint": "01", "format": 1}))
    rng = np.random.default_rng(0)
    for part, count in (("train", TRAIN), ("test", TEST)):
        labels = np.arange(count, dtype=np.int32) % 3
        images = rng.integers(0, 120, (count, *SHAPE)) + 60 * labels[:, None, None, None]
        np.save(data / f"{part}_images.npy", images.astype(np.uint8))
        np.save(data / f"{part}_labels.npy", labels)
    np.savez(run / "splits.npz", search=(np.arange(TRAIN) // 3 % 5).astype(np.int8))
    return WorkContext(str(run), str(data), 3, "accuracy", False, "float32")


def spec(purpose: str = "trial", **changes: Any) -> TrialSpec:
    space = FAMILY.space(Task(SHAPE, 3, TRAIN, flips=True))
    params = space.with_settings(["resolution=96", "batch_size=16"]).default() | changes.pop("params", {})
    split = None if purpose == "retrain" else "search"
    usual = {"number": 0, "model": "search_spaces.pretrained:FAMILY", "seed": 1, "fold": 0, "epochs": 6}
    return TrialSpec(purpose=purpose, params=params, split=split, **{**usual, **changes})  # type: ignore[arg-type]


def do(work: TrialSpec, context: WorkContext, key: str = "key") -> TrialResult:
    def go_on(_: EpochReport) -> bool:
        return True

    return perform(work, context, key, go_on)


def files(context: WorkContext) -> dict[str, int]:
    cache = Path(context.dataset_dir).parents[1] / "features"
    return {str(path.relative_to(cache)): path.stat().st_mtime_ns for path in cache.rglob("*.npy")}


def test_what_is_saved_predicts_as_what_was_measured(context: WorkContext) -> None:
    import keras

    done = do(spec("retrain", save=True), context, "saved")
    assert done.state == "complete", done.message
    assert done.parameters > 3_000_000
    run = RunDir(Path(context.run_dir))
    with np.load(run.path / done.output) as saved:
        measured = saved["probabilities"]
    model = keras.saving.load_model(run.fitted_model("saved"))
    images = np.load(Path(context.dataset_dir) / "test_images.npy")
    assert model.input.dtype == "uint8"
    assert np.abs(model.predict(images, verbose=0) - measured).max() < 1e-4
    assert np.abs(np.asarray(model(images[:1])) - measured[:1]).max() < 1e-4
    modules = {type(layer).__module__ for layer in model._flatten_layers()}
    assert all(module.startswith("keras.") for module in modules)


def test_heads_on_the_same_features_are_saved_as_one_network(context: WorkContext) -> None:
    import keras

    run, seeds = RunDir(Path(context.run_dir)), ("seed-1", "seed-2")
    alone = [do(spec("retrain", seed=n, save=True), context, key) for n, key in enumerate(seeds)]
    together = do(spec("ensemble", save=True, members=seeds), context, "together")
    assert together.state == "complete", together.message
    head = 3 * (1280 + 1)
    assert together.parameters == alone[0].parameters + head
    measured = []
    for done in alone:
        with np.load(run.path / done.output) as saved:
            measured.append(saved["probabilities"])
    assert np.abs(measured[0] - measured[1]).max() > 1e-3
    model = keras.saving.load_model(run.fitted_model("together"))
    images = np.load(Path(context.dataset_dir) / "test_images.npy")
    assert np.abs(np.asarray(model(images)) - np.mean(measured, axis=0)).max() < 1e-4


def test_fine_tuning_goes_on_from_the_head_and_is_saved_as_measured(context: WorkContext) -> None:
    """Only the last stage of the network has changed; of several seeds each has a network of its own."""
    import keras

    run, params = RunDir(Path(context.run_dir)), {"unfrozen": 1}
    done = do(spec("retrain", save=True, params=params, epochs=1), context, "fine")
    assert done.state == "complete", done.message
    assert done.epochs[0].accuracy > 0.6  # the head knows the classes before
    with np.load(run.path / done.output) as saved:
        measured = saved["probabilities"]
    together = do(spec("ensemble", save=True, members=("fine", "fine"), params=params), context, "both")
    assert together.parameters == 2 * done.parameters
    images = np.load(Path(context.dataset_dir) / "test_images.npy")
    model = keras.saving.load_model(run.fitted_model("both"), compile=False)
    assert np.abs(model.predict(images, verbose=0) - measured).max() < 1e-4
    alone = keras.saving.load_model(run.fitted_model("fine"), compile=False)
    assert np.abs(np.asarray(alone(images)) - measured).max() < 1e-4
    before = FAMILY.build(spec(params=params).params, SHAPE, 3).get_layer(NETWORK)
    weights = zip(alone.get_layer(NETWORK).weights, before.weights, strict=True)
    changed = {now.path.split("/")[0] for now, then in weights if np.abs(now - then).max() > 0}
    assert "block15_project_conv" in changed
    assert all(name.endswith(("_conv", "_depthwise")) for name in changed)  # no batch norm
    assert not {name for name in changed if name.startswith(("stem", "block0_", "block10_"))}


def test_trials_folds_and_seeds_share_the_features(context: WorkContext) -> None:
    first = do(spec(), context)
    assert first.state == "complete", first.message
    assert first.score is not None
    assert first.score > 0.6
    there = files(context)
    assert len(there) == 3  # training images, their mirror images, test images
    for other in (spec(fold=1, seed=5), spec("finalist"), spec(params={"head": "hidden", "dropout": 0.5})):
        assert do(other, context).state == "complete"
    assert files(context) == there


def test_pieces_are_computed_one_by_one(context: WorkContext) -> None:
    params = {"resolution": 128}
    work = spec("features", params=params)
    assert do(work, context).state == "complete"
    given = inputs(spec(params=params), context, FAMILY)
    assert given.train.shape == (TRAIN, 1280)
    assert given.train.dtype == np.float16


def test_a_mirror_image_is_a_view(context: WorkContext) -> None:
    import keras

    given = inputs(spec(), context, FAMILY)
    assert FAMILY.features is not None
    assert FAMILY.features.views(spec().params) == ({}, MIRROR)
    images = np.load(Path(context.dataset_dir) / "train_images.npy")[:4, :, ::-1]
    network = FAMILY.features.extractor(spec().params, SHAPE)
    expected = keras.ops.convert_to_numpy(network(images))
    np.testing.assert_allclose(given.more[0][:4], expected, rtol=2e-3, atol=2e-3)


def test_further_views_are_drawn_and_the_same_again(context: WorkContext) -> None:
    params = {"views": 3, "resolution": 96}
    given = inputs(spec(params=params), context, FAMILY)
    again = inputs(spec(params=params), context, FAMILY)
    assert len(given.more) == 2
    assert (np.asarray(given.more[1]) == again.more[1]).all()
    assert not (np.asarray(given.more[1]) == given.train).all()
