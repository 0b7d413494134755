"""The layer that turns, shifts and zooms training images in one step; it imports Keras."""

from typing import Any

import keras  # noqa: TID253 - for a class; imported where a network is built


class RandomWarp(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Turns, shifts and zooms each image by chance, in training only; borders repeat the outermost pixels.

    Three layers of Keras would sample an image three times, which takes three times as long and blurs it.
    """

    def __init__(self, rotation: float, shift: float, zoom: float, **options: Any) -> None:
        """The largest changes: in radians, as a share of the side, as a share of the size."""
        super().__init__(**options)
        self.rotation, self.shift, self.zoom = rotation, shift, zoom
        self.generator = keras.random.SeedGenerator()
        self.supports_jit = False  # XLA on TensorFlow cannot move images

    def call(self, images: Any, training: bool = False) -> Any:
        """Images (n, height, width, channels), and such images."""
        if not training:
            return images
        ops, count = keras.ops, keras.ops.shape(images)[0]
        height, width = images.shape[1:3]
        angle, right, down, larger = (
            keras.random.uniform((count,), -limit, limit, "float32", seed=self.generator)
            for limit in (self.rotation, self.shift, self.shift, self.zoom)
        )
        cosine, sine = (1 + larger) * ops.cos(angle), (1 + larger) * ops.sin(angle)
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        # Which place of the image each place of the new one shows.
        from_x = middle_x - cosine * middle_x + sine * middle_y + right * width
        from_y = middle_y - sine * middle_x - cosine * middle_y + down * height
        nothing = ops.zeros_like(angle)
        rows = (cosine, -sine, from_x, sine, cosine, from_y, nothing, nothing)
        return ops.image.affine_transform(images, ops.stack(rows, axis=1), fill_mode="nearest")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """As they come."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        changes = {"rotation": self.rotation, "shift": self.shift, "zoom": self.zoom}
        return {**super().get_config(), **changes}
