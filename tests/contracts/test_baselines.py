"""Every registered baseline: its network or estimator, and when it fits."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

from search_spaces.family import Task
from tuner.baselines import BASELINES
from tuner.baselines.base import Baseline, flatten

BUILDS = [((8, 8, 1), 2), ((28, 28, 1), 5), ((28, 28, 1), 2), ((100, 100, 3), 2), ((100, 100, 3), 5)]


def baseline(name: str) -> Baseline:
    module, _, attribute = BASELINES[name].partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert isinstance(found, Baseline)
    return found


KERAS = [name for name in BASELINES if baseline(name).family is not None]
ESTIMATORS = [name for name in BASELINES if baseline(name).estimator is not None]


@pytest.mark.parametrize("name", BASELINES)
def test_says_what_it_is(name: str) -> None:
    found = baseline(name)
    assert found.name == name
    assert found.summary
    assert found.source
    assert found.fits(Task((28, 28, 1), 2, 5000))


@pytest.mark.parametrize("name", KERAS)
def test_recipe_is_as_published(name: str) -> None:
    found = baseline(name)
    assert found.family is not None
    assert found.family.name == name
    assert found.family.space(Task((28, 28, 1), 5, 5000)).default() == {}
    recipe = found.family.recipe({})
    assert recipe.early_stopping
    assert (recipe.schedule, recipe.ema, recipe.label_smoothing) == ("constant", 0.0, 0.0)
    assert found.published_epochs > 0
    assert found.changes


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [(n, s, c) for n in KERAS for s, c in BUILDS if baseline(n).fits(Task(s, c, 5000))],
)
def test_builds(name: str, shape: tuple[int, int, int], classes: int) -> None:
    found = baseline(name)
    assert found.family is not None
    model = found.family.build({}, shape, classes)
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    probabilities = np.asarray(model.predict_on_batch(images))
    assert model.input.dtype == "uint8"
    assert probabilities.shape == (3, 1 if classes == 2 else classes)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    if classes > 2:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("dense-512", 669_706),  # as the course prints it for 10 classes
        ("three-layer", 784 * 512 + 512 + 512 * 10 + 10),
        ("course-cnn", 750 + 300 + 33_800 + 200 + 11_275 + 100 + 205_312 + 5_130),
    ],
)
def test_sizes_are_those_of_the_source(name: str, parameters: int) -> None:
    found = baseline(name)
    assert found.family is not None
    assert found.family.build({}, (28, 28, 1), 10).count_params() == parameters


def test_augmentation_does_not_add_weights() -> None:
    plain, augmented = baseline("course-cnn").family, baseline("course-cnn-augmented").family
    assert plain is not None
    assert augmented is not None
    sizes = {family.build({}, (28, 28, 1), 10).count_params() for family in (plain, augmented)}
    assert len(sizes) == 1


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("classes", [2, 5])
def test_estimators_fit(name: str, classes: int) -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(60) % classes).astype(np.int32)
    images = rng.integers(0, 128, (60, 8, 8, 1), dtype=np.uint8)
    images[:, 0, 0, 0] = labels * 30
    make = baseline(name).estimator
    assert make is not None
    pixels = flatten(images)
    first, second = make(1).fit(pixels, labels), make(1).fit(pixels, labels)
    probabilities = first.predict_proba(pixels)
    assert probabilities.shape == (60, classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(probabilities, second.predict_proba(pixels))
    np.testing.assert_array_equal(first.classes_, np.arange(classes))
    assert 0 <= first.score(pixels, labels) <= 1


def test_majority_predicts_the_shares_of_the_classes() -> None:
    make = baseline("majority").estimator
    assert make is not None
    fitted = make(0).fit(np.zeros((4, 9), np.float32), np.array([0, 2, 2, 2]))
    np.testing.assert_allclose(fitted.predict_proba(np.ones((1, 9), np.float32)), [[0.25, 0.75]])


def test_logistic_stops_in_silence() -> None:
    """A thousand random images are not separated in 100 iterations; warnings are errors here."""
    rng = np.random.default_rng(0)
    pixels = rng.random((1000, 64), dtype=np.float32) * 1000
    make = baseline("logistic").estimator
    assert make is not None
    assert make(0).fit(pixels, rng.integers(0, 10, 1000)).predict_proba(pixels[:2]).shape == (2, 10)


def test_when_baselines_fit() -> None:
    fits = {
        shape: {name for name in BASELINES if baseline(name).fits(Task(shape, classes, images))}
        for shape, classes, images in [
            ((8, 8, 1), 10, 1500),
            ((28, 28, 1), 24, 5000),
            ((100, 100, 3), 2, 2000),
            ((200, 200, 3), 5, 50_000),
        ]
    }
    everything = set(BASELINES)
    assert fits[8, 8, 1] == everything - {"deep-cnn", "cats-dogs-cnn"}
    assert fits[28, 28, 1] == everything - {"cats-dogs-cnn"}
    assert fits[100, 100, 3] == everything - {"deep-cnn"}
    assert fits[200, 200, 3] == everything - {"deep-cnn", "cats-dogs-cnn", "logistic"}


def test_pixels_are_flattened_to_one_row_an_image() -> None:
    images = np.array([0, 51, 255, 102], np.uint8).reshape(2, 1, 2, 1)
    rows = flatten(images)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0, 0.2], [1, 0.4]])


def test_exactly_one_kind_of_model() -> None:
    with pytest.raises(ValueError, match="either a family or an estimator"):
        Baseline("x", "y", "z")


def test_importing_every_baseline_imports_no_framework() -> None:
    code = (
        "import importlib, sys\n"
        "from tuner.baselines import BASELINES\n"
        "for place in BASELINES.values():\n"
        "    importlib.import_module(place.partition(':')[0])\n"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch', 'sklearn', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
