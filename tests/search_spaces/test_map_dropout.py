"""Dropout of feature maps does what that of Keras does."""

from typing import Any

import numpy as np
import pytest

RATE = 0.2


@pytest.fixture
def layer() -> Any:
    from search_spaces.map_dropout import SpatialDropout2D

    return SpatialDropout2D(RATE, seed=0)


def test_whole_maps_are_dropped_and_the_others_scaled(layer: Any) -> None:
    maps = np.random.default_rng(0).uniform(1, 2, (200, 3, 4, 50)).astype("float32")
    factors = np.asarray(layer(maps, training=True)) / maps
    assert np.ptp(factors, axis=(1, 2)).max() < 1e-5
    dropped = factors[:, 0, 0] == 0
    np.testing.assert_allclose(factors[:, 0, 0][~dropped], 1 / (1 - RATE), rtol=1e-5)
    assert dropped.mean() == pytest.approx(RATE, abs=0.02)
    assert 0 < dropped[0].sum() < 50, "each image has maps of its own dropped"
    again = np.asarray(layer(maps, training=True)) / maps
    assert not np.array_equal(again, factors)


def test_outside_training_nothing_changes(layer: Any) -> None:
    maps = np.ones((2, 3, 3, 4), "float32")
    np.testing.assert_array_equal(layer(maps), maps)


def test_in_bfloat16_it_stays_that() -> None:
    from search_spaces.map_dropout import SpatialDropout2D

    layer = SpatialDropout2D(RATE, dtype="mixed_bfloat16")
    assert str(layer(np.ones((2, 3, 3, 4)), training=True).dtype).endswith("bfloat16'>")


def test_what_is_saved_is_the_layer_of_keras(layer: Any) -> None:
    saved = layer.as_saved()
    assert type(saved).__module__.startswith("keras.")
    assert saved.get_config() == layer.get_config()
