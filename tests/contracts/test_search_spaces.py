"""Every registered search space: its data, its networks, and what importing it costs."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from search_spaces import SEARCH_SPACES
from search_spaces.family import Family, Recipe, Task
from search_spaces.space import Categorical, Int
from tests.helpers.origins import with_keras
from tuner.training.plain import as_saved

SHAPES = [(8, 8, 1), (28, 28, 1), (64, 48, 3), (100, 100, 3), (200, 200, 3)]
# 8 x 8 with two classes and 28 x 28 with five are built for each family, large images once each.
BUILDS = [((8, 8, 1), 2), ((28, 28, 1), 5), ((100, 100, 3), 5)]


def family(name: str) -> Family:
    module, _, attribute = SEARCH_SPACES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, Family)
    return found


def without_download(name: str) -> list[str]:
    own = {"transfer": ["weights=none", "resolution=32"], "pretrained": ["resolution=96"]}
    return own.get(name, [])


@pytest.mark.parametrize("name", SEARCH_SPACES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gpu", [False, True])
def test_defaults_are_valid(name: str, shape: tuple[int, int, int], gpu: bool) -> None:
    task = Task(shape, 5, 5000, augmentation=0.77, flips=gpu, gpu=gpu)
    space = family(name).space(task)
    assert family(name).name == space.name == name
    assert family(name).summary
    assert space.complete(space.default()) == space.default()
    assert space.adapt(space.default()) == space.default()
    assert len(space.searched()) >= 2
    for key, parameter in space.searched().items():
        assert space.from_unit(key, space.to_unit(key, parameter.default)) == pytest.approx(parameter.default)
    assert all(parameter.summary for parameter in space.parameters.values())
    assert all(len(parameter.summary) < 70 for parameter in space.parameters.values())


@pytest.mark.parametrize("name", SEARCH_SPACES)
def test_any_draw_is_complete_and_has_a_recipe(name: str) -> None:
    space = family(name).space(Task((28, 28, 1), 5, 60_000, gpu=True))
    opened = space.with_settings([f"{key}=*" for key in space.parameters if key in space.searched()])
    rng = np.random.default_rng(0)
    for _ in range(50):
        params = space.complete({key: space.from_unit(key, rng.random()) for key in opened.searched()})
        recipe = family(name).recipe(params)
        assert isinstance(recipe, Recipe)
        assert 0 < recipe.learning_rate < 1
        assert recipe.batch_size >= 1
        assert not recipe.early_stopping


@pytest.mark.parametrize("name", SEARCH_SPACES)
def test_fewer_images_get_smaller_batches(name: str) -> None:
    def batch(images: int) -> int:
        default = family(name).space(Task((28, 28, 1), 5, images)).default()
        return family(name).recipe(default).batch_size

    assert (batch(7_999), batch(8_000)) == (64, 128)


@pytest.mark.parametrize("name", SEARCH_SPACES)
@pytest.mark.parametrize(("shape", "classes"), BUILDS)
def test_builds(name: str, shape: tuple[int, int, int], classes: int) -> None:
    chosen = family(name)
    space = chosen.space(Task(shape, classes, 5000)).with_settings(without_download(name))
    model = chosen.build(space.default(), shape, classes)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    probabilities = np.asarray(model.predict_on_batch(images))
    assert model.input.dtype == "uint8"
    assert probabilities.shape == (3, 1 if classes == 2 else classes)
    assert probabilities.dtype == np.float32
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    if classes > 2:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    saved = as_saved(model)
    assert {type(layer).__module__.split(".")[0] for layer in saved.layers} == {"keras"}


@pytest.mark.parametrize("name", [name for name in SEARCH_SPACES if name != "transfer"])
def test_corners_of_the_space_train(name: str) -> None:
    """All parameters at their highest, and all at their lowest, in mixed precision."""
    import keras

    chosen = family(name)
    shape = (8, 8, 3)
    space = chosen.space(Task(shape, 2, 5000))
    images = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        for u in (0.0, 1 - 1e-9):
            sizes = {"filters", "units", "dense_units"}
            highest = {key: 0.0 if key in sizes else u for key in space.searched()}
            params = space.complete({key: space.from_unit(key, at) for key, at in highest.items()})
            model = chosen.build(params, shape, 2)
            model.compile("sgd", "binary_crossentropy")
            assert np.isfinite(model.train_on_batch(images, np.array([[0.0], [1], [0], [1]])))
            assert np.asarray(model.predict_on_batch(images)).dtype == np.float32
    finally:
        keras.config.set_dtype_policy(policy)


def test_importing_every_space_imports_no_framework() -> None:
    code = (
        "import importlib, sys\n"
        "from search_spaces import SEARCH_SPACES\n"
        "from search_spaces.family import Task\n"
        "for place in SEARCH_SPACES.values():\n"
        "    module, _, attribute = place.partition(':')\n"
        "    family = getattr(importlib.import_module(module), attribute)\n"
        "    family.recipe(family.space(Task((28, 28, 1), 5, 100)).default())\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'sklearn', 'pandas', 'numpy', 'tuner', 'reports'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_saved_model_loads_without_this_project(tmp_path: Path) -> None:
    chosen = family("cnn")
    shape = (12, 12, 1)
    params = chosen.space(Task(shape, 3, 5000)).complete({"filters": 16, "cutout": 0.2, "conv_dropout": 0.1})
    model = chosen.build(params, shape, 3)
    images = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    expected = np.asarray(model.predict_on_batch(images))
    as_saved(model).save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys\n"
        "sys.modules['search_spaces'] = sys.modules['tuner'] = None\n"
        "import keras, numpy as np\n"
        "images = np.load('images.npy')\n"
        "np.save('loaded.npy', keras.models.load_model('model.keras').predict_on_batch(images))\n"
    )
    with_keras(code, tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "loaded.npy"), expected, rtol=1e-4, atol=1e-6)


def test_depth_follows_the_size_of_the_images() -> None:
    depths = {}
    for side in (8, 28, 64, 100, 224):
        depth = family("cnn").space(Task((side, side, 1), 5, 5000)).parameters["depth"]
        assert isinstance(depth, Int)
        depths[side] = (depth.low, depth.default, depth.high)
    assert depths == {8: (1, 2, 3), 28: (2, 3, 4), 64: (3, 4, 5), 100: (4, 5, 6), 224: (4, 5, 6)}


def test_the_full_space_starts_where_the_small_one_does() -> None:
    """Its dials at strength 1 build the network that the common dial builds by default."""
    task = Task((28, 28, 1), 5, 5000, augmentation=0.5)
    common, full = family("cnn"), family("cnn-full")
    params, opened = common.space(task).default(), full.space(task).default()
    assert params["augmentation"] == 0.5
    assert opened["augmentation"] == 1.0
    ours = [layer.get_config() for layer in common.build(params, (28, 28, 1), 5).layers]
    theirs = [layer.get_config() for layer in full.build(opened, (28, 28, 1), 5).layers]
    strengths = ("rotation", "shift", "zoom", "factor")
    assert {key for config in ours for key in strengths if config.get(key)} == set(strengths)
    for a, b in zip(ours, theirs, strict=True):
        for key in strengths:
            assert a.get(key) == pytest.approx(b.get(key))
    assert len(ours) == len(theirs)


def test_flips_only_where_a_mirrored_image_keeps_its_class() -> None:
    for flips in (False, True):
        task = Task((28, 28, 1), 5, 5000, flips=flips)
        assert family("cnn").space(task).default()["flip"] is flips
        flip = family("cnn-full").space(task).parameters["flip"]
        assert isinstance(flip, Categorical)
        assert flip.searched is flips
