"""Batch norm in one operation of TensorFlow is the batch norm of Keras."""

from typing import Any

import numpy as np
import pytest


def maps(channels: int) -> Any:
    """Feature maps (6, 5, 4, channels)."""
    return np.random.default_rng(0).normal(1.0, 2.0, (6, 5, 4, channels)).astype("float32")


MAPS = maps(16)


def trained(kind: Any, inputs: Any, dtype: str = "float32") -> tuple[tuple[Any, ...], Any]:
    """What a layer says in training and after it, its gradients, running mean; and running variance."""
    import tensorflow as tf  # noqa: TID251

    layer = kind(momentum=0.9, dtype=dtype)
    layer.build(inputs.shape)
    layer.gamma.assign(np.linspace(0.5, 2, inputs.shape[-1]))
    layer.beta.assign(np.linspace(-1, 1, inputs.shape[-1]))
    watched = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        said = layer(watched, training=True)
        loss = tf.reduce_sum(tf.cast(said, "float32") ** 3)
    gradients = tape.gradient(loss, [watched, layer.gamma.value, layer.beta.value])
    after = layer(watched, training=False)
    return tuple(np.asarray(x, "float32") for x in (said, *gradients, layer.moving_mean, after)), np.asarray(
        layer.moving_variance
    )


@pytest.mark.parametrize("inputs", [MAPS, maps(8), maps(3), MAPS[:, 0, 0]], ids=["16", "8", "3", "rows"])
def test_it_learns_and_says_what_keras_own_does(inputs: Any) -> None:
    import keras

    from search_spaces.norm import BatchNormalization

    (ours, variance), (theirs, biased) = (
        trained(kind, inputs) for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    count = inputs.size // inputs.shape[-1]
    sample = count / (count - 1) if inputs.ndim == 4 and inputs.shape[-1] % 8 == 0 else 1.0
    np.testing.assert_allclose(variance - 0.9, (biased - 0.9) * sample, rtol=1e-4)
    for one, other in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours[-1], theirs[-1], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("channels", [16, 8, 3])
def test_in_bfloat16_it_is_the_same_but_for_rounding(channels: int) -> None:
    import keras

    from search_spaces.norm import BatchNormalization

    ours, theirs = (
        trained(kind, maps(channels), "mixed_bfloat16")[0][0]
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.02)
    assert not np.array_equal(ours, np.zeros_like(ours))


@pytest.mark.parametrize(
    ("dtype", "channels", "wanted"),
    [
        ("mixed_bfloat16", 16, "bfloat16"),
        ("mixed_bfloat16", 24, "float32"),
        ("mixed_bfloat16", 25, None),
        ("float32", 24, "float32"),
        ("float32", 25, None),
    ],
)
def test_it_is_trained_by_one_operation_where_that_is_fast(
    dtype: str, channels: int, wanted: str | None
) -> None:
    import tensorflow as tf  # noqa: TID251

    from search_spaces.norm import BatchNormalization

    layer = BatchNormalization(dtype=dtype)
    inputs = tf.constant(maps(channels), layer.compute_dtype)
    layer.build(inputs.shape)
    step = tf.function(lambda x: layer(x, training=True)).get_concrete_function(inputs)
    fused = [op for op in step.graph.get_operations() if op.type == "FusedBatchNormV3"]
    assert [op.inputs[0].dtype.name for op in fused] == ([wanted] if wanted else [])
    assert step(inputs).dtype == layer.compute_dtype


def test_what_is_frozen_keeps_its_statistics() -> None:
    from search_spaces.norm import BatchNormalization

    layer = BatchNormalization()
    layer.build(MAPS.shape)
    layer.trainable = False
    layer(MAPS, training=True)
    assert not np.asarray(layer.moving_mean).any()
