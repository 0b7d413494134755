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


MANY_COLOURS = 2_000
"""A figure of more colours holds photographs in colour, which a palette would turn into bands."""


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
    """Writes a PNG, atomically: of at most 256 colours, but where it holds photographs in colour."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    legible(figure)
    canvas: Any = FigureCanvasAgg(figure)  # `savefig` would draw twice, and write a PNG to be read again
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*constrained_layout not applied")
        canvas.draw()
    colours = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    photographs = colours.getcolors(MANY_COLOURS) is None
    small = colours if photographs else colours.quantize(256, method=Image.Quantize.MEDIANCUT)
    write_atomically(path, lambda file: small.save(file, format="PNG", optimize=True))
