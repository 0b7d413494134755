"""The command line with figures that are laid out and saved, but not drawn: stands for `tuner.cli`.

Drawing takes most of the time of a run whose workers follow curves. `tests/reports` looks at figures.
"""

import runpy


def main() -> None:
    """Runs the command line; Matplotlib leaves each canvas empty."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg.draw = FigureCanvasAgg.get_renderer  # type: ignore[method-assign]
    runpy.run_module("tuner.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
