"""The command line with empty pictures in place of figures: stands for `tuner.cli`.

To lay them out and draw them takes most of the time of a run whose workers follow curves. `tests/reports`
looks at figures, and `small_run` draws its own.
"""

import dataclasses
import runpy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def main() -> None:
    """Runs the command line."""
    from reports.facts.summary import RunSummary
    from reports.figures import FIGURES
    from reports.figures.style import canvas

    def empty(summary: RunSummary) -> "Figure":
        return canvas(1.0)

    for name, drawing in FIGURES.items():
        FIGURES[name] = dataclasses.replace(drawing, draw=empty)
    runpy.run_module("tuner.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
