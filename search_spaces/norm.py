"""Batch norm as networks are trained with it; it imports Keras."""

from typing import Any

import keras  # noqa: TID253 - for a class; imported where a network is built


class BatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
    """Keras' own layer, but that TensorFlow trains it by the one operation that it has for feature maps.

    Keras' runs twenty, all in float32. With one, a training step of the default network takes 0.88 of the
    time (28 x 28 pixels, bfloat16; in float32 0.91). The running variance is that of a sample, divided by
    n - 1, as PyTorch has it.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Feature maps (n, height, width, channels), or rows of numbers, and the same normalised."""
        maps = len(inputs.shape) == 4 and keras.backend.backend() == "tensorflow"
        if not (maps and training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # noqa: TID251 - Keras has no such operation

        normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=self.epsilon,
            exponential_avg_factor=1 - self.momentum,
        )
        self.moving_mean.assign(mean)
        self.moving_variance.assign(variance)
        return normalised

    def as_saved(self) -> Any:
        """The layer of Keras, with these weights: a saved model needs nothing of this project."""
        layer = keras.layers.BatchNormalization.from_config(self.get_config())
        layer.build_from_config(self.get_build_config())
        layer.set_weights(self.get_weights())
        return layer
