"""How to load and use the model: code that runs as it stands."""

from reports.facts.summary import RunSummary
from reports.markdown import block, how_often, join


def render(summary: RunSummary) -> str:
    """The code, to be run in the run directory; empty until there is a model."""
    if summary.final is None:
        return ""
    command = (
        "In the folder of this report; `model/` alone, copied to another machine, is enough. Folders, `.zip` "
        "archives, CSV files and `.npz` archives are read as well as image files:"
    )
    text = (
        "Or in Python. The model takes raw pixels, and does its own rescaling; it is made of stock Keras "
        "layers and needs only Keras and a backend. `pixels` reads an image file exactly as training did."
    )
    parts = [command, block("tune predict . photo.png", "sh"), text, block(snippet(summary), "python")]
    return join(["## Use the model", *parts, _ensemble(summary)])


def _ensemble(summary: RunSummary) -> str:
    """The parts of the saved model, where it is the winner's seeds together."""
    if summary.final is None or summary.final.shipped.seeds < 2:
        return ""
    shipped, one = summary.final.shipped, summary.final.winner.parameters
    cost = f"is {how_often(shipped.seeds)} as large and slow as one"
    if shipped.parameters < 2 * one:
        cost = "is hardly larger or slower than one, as all of them see images through the same network"
    return (
        f"`model/model.keras` averages the probabilities of {shipped.seeds} models, and {cost}. `--single` "
        "with the command of this run saves the first one alone."
    )


def snippet(summary: RunSummary) -> str:
    """Python that reads a picture, loads the model, predicts and prints names."""
    height, width, channels = summary.dataset.image_shape
    mode = {1: "L", 3: "RGB"}.get(channels)
    shape = f"{height}, {width}, {channels}"
    read = (
        "p = model.predict(images, verbose=0)  # probability of class 1\nprobabilities = np.hstack([1 - p, "
        "p])"
        if len(summary.dataset.class_names) == 2
        else "probabilities = model.predict(images, verbose=0)  # a row an image, a column a class"
    )
    if mode is None:
        reading = ""
        images = f'images = np.zeros((1, {shape}), dtype="uint8")  # yours: raw pixels from 0 to 255'
    else:
        reading = _reading(height, width, channels, mode)
        images = 'images = np.stack([pixels(file) for file in ["photo.png"]])  # or any raw pixels, 0 to 255'
    return f"""import json

import keras
import numpy as np
{reading}
model = keras.saving.load_model("model/model.keras")
with open("model/labels.json", encoding="utf-8") as file:
    names = json.load(file)
{images}
{read}
for row in probabilities:
    print(names[row.argmax()], f"{{row.max():.0%}}")"""


def _reading(height: int, width: int, channels: int, mode: str) -> str:
    """The steps of `tuner.datasets.formats.picture.read_pixels`; a test compares the pixels."""
    return f'''from PIL import Image, ImageOps


def pixels(file):
    """A picture as the model was trained on it."""
    with Image.open(file) as photo:
        if photo.format == "JPEG":  # large photographs are read faster
            {_draft(height, width)}
        photo = ImageOps.exif_transpose(photo)  # the right way up
    if photo.mode.startswith("I"):  # the upper 8 of 16 bits
        photo = Image.fromarray((np.asarray(photo).astype(int) >> 8).astype("uint8"))
    elif photo.has_transparency_data:  # on white
        photo = photo.convert("RGBA")
        photo = Image.alpha_composite(Image.new("RGBA", photo.size, "white"), photo).convert("RGB")
    photo = photo.convert("{mode}")
    if photo.size != ({width}, {height}):  # covered, and what hangs over cut from both sides
        photo = ImageOps.fit(photo, ({width}, {height}), Image.Resampling.BILINEAR)
    return np.asarray(photo).reshape({height}, {width}, {channels})

'''


def _draft(height: int, width: int) -> str:
    """The call that has a JPEG decoded at no more than it takes, whichever way it is turned."""
    upright = f"({2 * width}, {2 * height})"
    if height == width:
        return f"photo.draft(None, {upright})"
    return (
        f"photo.draft(None, ({2 * height}, {2 * width}) if photo.getexif().get(274, 1) >= 5 else {upright})"
    )
