"""How to load and use the model: code that runs as it stands."""

from reports.markdown import block, join
from reports.summary import RunSummary


def render(summary: RunSummary) -> str:
    """The code, to be run in the run directory; nothing before there is a model."""
    if summary.final is None:
        return ""
    text = (
        "Run this in the folder of this report. The model takes raw pixels, and does its own rescaling; it "
        "is made of stock Keras layers and needs nothing but Keras."
    )
    return join(["## Use the model", text, block(snippet(summary), "python")])


def snippet(summary: RunSummary) -> str:
    """Python that loads the model, predicts and prints names."""
    height, width, channels = summary.dataset.image_shape
    binary = len(summary.dataset.class_names) == 2
    mode = {1: "grayscale", 4: "rgba"}.get(channels, "rgb")
    load = f'keras.utils.load_img("photo.png", color_mode="{mode}", target_size=({height}, {width}))'
    read = (
        "p = model.predict(images, verbose=0)  # probability of class 1\nprobabilities = np.hstack([1 - p, "
        "p])"
        if binary
        else "probabilities = model.predict(images, verbose=0)  # a row an image, a column a class"
    )
    return f"""import json

import keras
import numpy as np

model = keras.saving.load_model("model/model.keras")
with open("model/labels.json", encoding="utf-8") as file:
    names = json.load(file)

# an array of images of {height}×{width} pixels, here a grey one; one of your own:
# photo = {load}
# images = np.asarray(photo, dtype="uint8").reshape(1, {height}, {width}, {channels})
images = np.full((1, {height}, {width}, {channels}), 128, dtype="uint8")

{read}
for row in probabilities:
    print(names[row.argmax()], f"{{row.max():.0%}}")"""
