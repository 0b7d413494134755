"""The code in a report reads image files as training does, to the pixel."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.facts.summary import RunSummary
from reports.sections.usage import snippet
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.picture import read_pixels

Runs = Callable[[str], Path]

SHAPES = [(28, 28, 1), (32, 48, 3), (100, 60, 1)]


def picture(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Ramps, edges and noise, so that any other way of scaling shows."""
    width, height = size
    rng = np.random.default_rng(width + height)
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([255 * x / width, 255 * y / height, 255 * ((x // 7 + y // 5) % 2)], axis=-1)
    noisy = np.clip(pixels + rng.normal(0, 20, pixels.shape), 0, 255).astype(np.uint8)
    image = Image.fromarray(noisy)
    if mode in {"LA", "RGBA"}:
        image.putalpha(Image.fromarray(noisy[..., 0]))
    return image.convert(mode)


def files(folder: Path) -> Iterator[Path]:
    """Image files of every mode, size and orientation that people bring."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        picture((53, 41), mode).save(folder / f"{mode}.png")
        yield folder / f"{mode}.png"
    picture((53, 41), "P").save(folder / "clear.png", transparency=3)
    yield folder / "clear.png"
    deep = np.random.default_rng(0).integers(0, 65536, (41, 53)).astype(np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    yield folder / "deep.png"
    picture((53, 41), "P").save(folder / "a.gif", transparency=5)
    yield folder / "a.gif"
    picture((53, 41), "RGBA").save(folder / "a.webp", lossless=True)
    yield folder / "a.webp"
    for mode in ("L", "RGB", "CMYK"):
        picture((700, 520), mode).save(folder / f"{mode}.jpg")
        yield folder / f"{mode}.jpg"
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        picture((700, 520)).save(folder / f"turned{orientation}.jpg", exif=exif)
        yield folder / f"turned{orientation}.jpg"


@pytest.mark.parametrize("shape", SHAPES)
def test_pixels_are_those_of_training(runs: Runs, tmp_path: Path, shape: tuple[int, int, int]) -> None:
    summary = RunSummary.load(runs("alone"))
    dataset = dataclasses.replace(summary.dataset, image_shape=shape)
    code = snippet(dataclasses.replace(summary, dataset=dataset)).partition("model = ")[0]
    scope: dict[str, Any] = {}
    exec(code.replace("import keras\n", ""), scope)
    with Reader() as reader:
        for path in files(tmp_path):
            expected = read_pixels(reader, Entry(path, path.name), shape)
            found = scope["pixels"](path)
            assert found.shape == shape
            assert found.dtype == np.uint8
            assert (found == expected).all(), path.name
