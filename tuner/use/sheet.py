"""A sheet of pictures with what a model says of each."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.files import write_atomically
from tuner.use.answers import percent, printable
from tuner.use.predictor import Answer

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MOST = 120
"""Pictures on a sheet."""

COLUMNS = 10
CELL, TEXT, GAP, SIZE = 112, 34, 8, 13
"""Pixels: the side of a picture, the height of two lines below it, the distance between cells, letters."""


UNSURE, QUIET = "#b00020", "#767676"


def draw(answers: Sequence[Answer], sure: Sequence[bool], path: Path) -> None:
    """Writes a PNG: below each picture, as the model saw it, its label, how sure the model is, and its file.

    Args:
        answers: at least one; those that could not be read are left out.
        sure: which of them the model decides; the others are written in red.
        path: of the PNG.
    """
    from PIL import Image, ImageDraw, ImageFont

    shown = [(a, s) for a, s in zip(answers, sure, strict=True) if a.picture.pixels is not None][:MOST]
    columns = min(COLUMNS, max(1, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    sheet = Image.new("RGB", (GAP + columns * (CELL + GAP), GAP + rows * (CELL + TEXT + GAP)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(SIZE)
    for place, (answer, decided) in enumerate(shown):
        left = GAP + place % columns * (CELL + GAP)
        top = GAP + place // columns * (CELL + TEXT + GAP)
        picture = _scaled(answer.picture.pixels)
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
        said, ink = f" {percent(answer.probabilities[0])}", "black" if decided else UNSURE
        below = (left, top + CELL + 2)
        end = _write(pen, below, printable(answer.labels[0]), CELL - pen.textlength(said, font), ink)
        pen.text((end, below[1]), said, fill=ink, font=font)
        _write(pen, (left, top + CELL + 17), printable(Path(answer.picture.name).name), CELL, QUIET)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_atomically(path, lambda file: file.write(buffer.getvalue()))


def _scaled(pixels: Any) -> "Image":
    """The picture as large as a cell; small ones keep their square pixels."""
    from PIL import Image

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = CELL / max(picture.size)
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), method
    )


def _write(pen: "ImageDraw", place: tuple[int, int], text: str, width: float, ink: str) -> float:
    """Writes a text, cut at its end to so many pixels, in a font that has its characters; where it ends."""
    from PIL import ImageFont

    font: ImageFont.ImageFont | ImageFont.FreeTypeFont = ImageFont.load_default(SIZE)
    if not text.isascii():
        from reports.figures.fonts import drawable

        text, file = drawable(text)
        font = ImageFont.truetype(file, SIZE - 1)
    text = _fitting(pen, text, width, font)
    pen.text(place, text, fill=ink, font=font)
    return place[0] + pen.textlength(text, font)


def _fitting(pen, text: str, width: float, font) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """The text, cut at its end to so many pixels."""
    if pen.textlength(text, font) <= width:
        return text
    while text and pen.textlength(text + "…", font) > width:
        text = text[:-1]
    return text + "…"
