"""Figures: every one is drawn, nothing in it is cut off, none is heavy."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.facts.summary import RunSummary
from reports.figures import FIGURES
from reports.figures.style import WIDTH, plain, save

Runs = Callable[[str], Path]


@pytest.fixture(scope="module", params=["asl", "many", "nasty"])
def summary(request: pytest.FixtureRequest, runs: Runs) -> RunSummary:
    return RunSummary.load(runs(request.param))


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off(summary: RunSummary, name: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    drawing = FIGURES[name]
    if not drawing.wanted(summary):
        pytest.skip("this run has nothing to show there")
    figure = drawing.draw(summary)
    assert drawing.alt(summary)
    width, height = figure.get_size_inches()
    assert width == WIDTH
    assert height < 9
    figure.set_dpi(60)
    canvas: Any = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*Glyph.*missing")
        canvas.draw()
        box = figure.get_tightbbox(canvas.get_renderer())
    assert box.x0 >= -0.02
    assert box.y0 >= -0.02
    assert box.x1 <= width + 0.02
    assert box.y1 <= height + 0.02


def test_a_file_is_small_and_named_as_told(summary: RunSummary, tmp_path: Path) -> None:
    path = tmp_path / "figures" / "samples.png"
    save(FIGURES["samples"].draw(summary), path)
    assert 5_000 < path.stat().st_size < 100_000
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (-0.05, "5.0 points behind course-cnn (worse)"),
        (0.0001, "level with course-cnn (worse)"),
        (0.05, "5.0 points ahead of course-cnn (worse)"),
    ],
)
def test_the_leaderboard_says_how_the_winner_stands_to_the_best_baseline(
    runs: Runs, difference: float, told: str
) -> None:
    summary = RunSummary.load(runs("asl"))
    assert summary.final is not None
    changed = [
        replace(c, difference=difference, verdict="worse") if c.baseline == "course-cnn" else c
        for c in summary.final.comparisons
    ]
    summary = replace(summary, final=replace(summary.final, comparisons=tuple(changed)))
    drawn = FIGURES["leaderboard"].draw(summary)
    assert drawn.get_suptitle() == f"The tuned model, one seed at a time, is {told}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x_1$", r"\$x_1\$"),
        ("two\nlines\t here", "two li…ere"),
        ("a" * 30, "aaaaaa…aaa"),
        ("\x00bad", "bad"),
    ],
)
def test_text_in_figures_is_plain(text: str, expected: str) -> None:
    assert plain(text, 10).strip() == expected
