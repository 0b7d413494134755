"""How to load and use the model: code that runs as it stands."""

from reports.facts.summary import RunSummary
from reports.markdown import block, decimals_for, join, percent


def render(summary: RunSummary) -> str:
    """The code, to be run in the run directory; nothing before there is a model."""
    if summary.final is None:
        return ""
    text = (
        "Run this in the folder of this report. The model takes raw pixels, and does its own rescaling; it "
        "is made of stock Keras layers and needs only Keras and a backend."
    )
    return join(["## Use the model", text, block(snippet(summary), "python"), _ensemble(summary)])


def _ensemble(summary: RunSummary) -> str:
    """How to load the winner's seeds as one model, where they were saved so."""
    if summary.final is None or summary.final.ensemble is None or not summary.ensemble_saved:
        return ""
    test = summary.final.winner.test
    found, seeds = summary.final.ensemble, len(test.per_seed) if test is not None else 0
    share = percent(found.mean, max(1, decimals_for(found.interval)))
    text = (
        f"The models of all {seeds} seeds are there as one that averages their probabilities. It reads "
        f"{share} of the test images, and is {seeds} times as large and slow; it is used in the same way:"
    )
    load = 'ensemble = keras.saving.load_model("model/ensemble.keras")'
    return join([text, block(f"{load}\nprint(ensemble.predict(images, verbose=0))", "python")])


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
