"""Shared by all figures: size, colours, text that cannot break a figure, saving."""

import importlib
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.figures.fonts import legible, spelled_out
from tuner.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

WIDTH = 6.4
"""Inches: 10 points are a little larger than the text on GitHub's 830 px, and can be read on 390 px."""
DPI = 144

WINNER = "#0067a5"
DEFAULT = "#d98200"
BASELINE = "#7b8794"
STOPPED = "#a9b4bf"
FAILED = "#c8382e"
GOOD = "#23803d"
INK = "#24292f"
GRID = "#e3e7eb"

COLOURS: Mapping[str, str] = {
    "complete": WINNER,
    "pruned": STOPPED,
    "failed": FAILED,
    "unfinished": "#dfe4e8",
}


def canvas(height: float) -> "Figure":
    """An empty figure, white so that it reads in light and dark mode, `height` in inches."""
    _import_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white", layout="constrained")
    engine: Any = figure.get_layout_engine()
    engine.set(w_pad=0.12, h_pad=0.1, wspace=0.05, hspace=0.06)
    return figure


def _import_matplotlib() -> None:
    """Imports it also where `$MPLBACKEND` names a notebook's backend that is not installed here."""
    try:
        importlib.import_module("matplotlib")
    except ValueError:
        os.environ["MPLBACKEND"] = "agg"
        importlib.import_module("matplotlib")


def tidy(axes: "Axes", *, grid: str = "both") -> None:
    """Thin grey frame and grid, dark text of one size."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(BASELINE)
    axes.tick_params(colors=INK, labelsize=9, length=3, color=BASELINE)
    axes.xaxis.label.set(color=INK, size=10)
    axes.yaxis.label.set(color=INK, size=10)
    axes.set_axisbelow(True)
    if grid != "none":
        axes.grid(visible=True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def title(figure: "Figure", text: str) -> None:
    """The statement of a figure, at its top left; long ones are wrapped."""
    import textwrap

    lines = textwrap.wrap(text, 66, break_on_hyphens=False)
    figure.suptitle("\n".join(lines), x=0.012, ha="left", size=12, weight="bold", color=INK)


def plain(text: object, limit: int = 40) -> str:
    r"""Text for a figure: one line, no formula ("\$" for "$"), shortened in its middle."""
    clean = spelled_out(re.sub(r"[\x00-\x1f\x7f]+", " ", " ".join(str(text).split())))
    if len(clean) > limit:
        head = (limit - 1) * 2 // 3
        clean = f"{clean[:head]}…{clean[len(clean) - (limit - 1 - head) :]}"
    return clean.replace("$", r"\$")


def save(figure: "Figure", path: Path) -> None:
    """Writes a PNG, atomically."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    legible(figure)
    canvas: Any = FigureCanvasAgg(figure)  # `savefig` would draw twice, and write a PNG to be read again
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*constrained_layout not applied")
        canvas.draw()
    small = fewer_colours(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))
    # compressed as by default: `optimize` takes seven times as long for files smaller by a tenth
    write_atomically(path, lambda file: small.save(file, format="PNG"))


MANY_COLOURS = 3_500
"""Curves have up to 3,000; a figure of more holds photographs in colour, or shades over images, which a
palette would turn into bands."""
LEVELS = 63
"""Steps of each colour of such a figure: none is off by more than 2 of 255, its file a quarter smaller."""


def fewer_colours(drawn: "Image") -> "Image":
    """A figure that looks the same in less room: of at most 256 colours, but where it holds photographs."""
    from PIL.Image import Quantize

    if drawn.getcolors(MANY_COLOURS) is None:
        return drawn.point([round(round(v * LEVELS / 255) * 255 / LEVELS) for v in range(256)] * 3)
    return drawn.quantize(256, method=Quantize.MEDIANCUT)
