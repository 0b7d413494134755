"""Progress in a notebook: one area in the output of a cell, drawn again in place."""

import html
import sys
from collections.abc import Callable
from typing import Any


def area() -> Callable[[str], None] | None:
    """Makes such an area, and returns what shows a text in it; None outside notebooks.

    A notebook has imported IPython long ago, so that nothing is imported here that was not.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel"):  # IPython in a terminal has none
        return None
    display: Any = sys.modules["IPython.display"]
    shown = display.display(display.HTML(""), display_id=True)

    def show(text: str) -> None:
        shown.update(display.HTML(f'<pre style="line-height: 1.3">{html.escape(text)}</pre>'))

    return show
