"""Batch norm in one operation of TensorFlow is the batch norm of Keras."""

from typing import Any

import numpy as np
import pytest

MAPS = np.random.default_rng(0).normal(1.0, 2.0, (6, 5, 4, 3)).astype("float32")


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


@pytest.mark.parametrize("inputs", [MAPS, MAPS[:, 0, 0]], ids=["maps", "rows"])
def test_it_learns_and_says_what_keras_own_does(inputs: Any) -> None:
    import keras

    from search_spaces.norm import BatchNormalization

    (ours, variance), (theirs, biased) = (
        trained(kind, inputs) for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    count = inputs.size // inputs.shape[-1]
    sample = count / (count - 1) if inputs.ndim == 4 else 1.0
    np.testing.assert_allclose(variance - 0.9, (biased - 0.9) * sample, rtol=1e-4)
    for one, other in zip(ours[:-1], theirs[:-1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours[-1], theirs[-1], rtol=0.01, atol=0.01)


def test_in_bfloat16_it_is_the_same_but_for_rounding() -> None:
    import keras

    from search_spaces.norm import BatchNormalization

    ours, theirs = (
        trained(kind, MAPS, "mixed_bfloat16")[0][0]
        for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.02)
    assert not np.array_equal(ours, np.zeros_like(ours))


def test_it_is_trained_by_one_operation_also_in_a_compiled_step() -> None:
    import tensorflow as tf  # noqa: TID251

    from search_spaces.norm import BatchNormalization

    layer = BatchNormalization()
    layer.build(MAPS.shape)
    step = tf.function(lambda x: layer(x, training=True)).get_concrete_function(tf.constant(MAPS))
    assert "FusedBatchNormV3" in {operation.type for operation in step.graph.get_operations()}


def test_what_is_frozen_keeps_its_statistics() -> None:
    from search_spaces.norm import BatchNormalization

    layer = BatchNormalization()
    layer.build(MAPS.shape)
    layer.trainable = False
    layer(MAPS, training=True)
    assert not np.asarray(layer.moving_mean).any()
