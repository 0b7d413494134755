"""Figures: every one is drawn, nothing in it is cut off, none is heavy."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reports.facts.summary import RunSummary
from reports.facts.trials import Stint
from reports.figures import FIGURES
from reports.figures.fonts import fonts_for, legible
from reports.figures.parts import log_axis
from reports.figures.style import WIDTH, canvas, plain, save
from reports.figures.trials import outcomes

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
    legible(figure)
    figure.set_dpi(60)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()  # a glyph that its font lacks is a warning, and so an error
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
    assert " ".join(drawn.get_suptitle().split()) == f"The tuned model, one seed at a time, is {told}"


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


def test_names_in_any_script_are_drawn_or_spelled_out() -> None:
    """Never as boxes: drawing a glyph that its font lacks is a warning, and so an error."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    text = plain("猫 cat 🐱 é")
    figure.text(0.1, 0.5, text)
    legible(figure)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    assert text.startswith("猫 cat " if fonts_for("猫") else "U+732B cat ")
    assert text.endswith(" é")
    assert plain("Größe é ≤ 5") == "Größe é ≤ 5"


def test_photographs_keep_their_colours(runs: Runs, tmp_path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    summary = RunSummary.load(runs("binary"))
    y, x = np.mgrid[:96, :96]
    smooth = np.stack([2 * x, 2 * y, x + y], axis=-1).astype(np.uint8)
    shown = tuple(replace(item, pixels=smooth) for item in summary.shown)
    figure = FIGURES["samples"].draw(replace(summary, shown=shown))
    save(figure, tmp_path / "samples.png")
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    with Image.open(tmp_path / "samples.png") as picture:
        saved = np.asarray(picture.convert("RGB"), dtype=int)
    assert np.abs(saved - np.asarray(canvas.buffer_rgba())[..., :3]).max() <= 2  # with a palette up to 60


def test_a_piece_of_work_has_the_colour_of_its_own_end(runs: Runs) -> None:
    trial = RunSummary.load(runs("asl")).search.of_state("complete")[0]
    trial = replace(trial, stints=(Stint(0.0, 2.0, 0), Stint(9.0, 8.0, 1)))
    assert [end for end, _ in outcomes(trial)] == ["paused, went on later", "complete"]


@pytest.mark.parametrize(
    ("variant", "absent"), [("one-trial", {"history", "timeline", "tradeoffs"}), ("alone", {"leaderboard"})]
)
def test_figures_that_say_nothing_are_left_out(runs: Runs, variant: str, absent: set[str]) -> None:
    summary = RunSummary.load(runs(variant))
    assert not {name for name, drawing in FIGURES.items() if drawing.wanted(summary)} & absent


@pytest.mark.parametrize("counts", [(3.4e6, 3.41e6), (3.4e6, 3.9e6), (1e5, 1.9e5), (2e5, 7e5), (1e3, 5e6)])
def test_the_ticks_of_half_a_figure_stand_apart(counts: tuple[float, float]) -> None:
    figure = canvas(3.0)
    axes = figure.subplots(1, 2)[0]
    axes.scatter(counts, counts)
    log_axis(axes, counts, counts=True)
    figure.canvas.draw()
    low, high = axes.get_xlim()
    shown = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
    boxes = sorted((label.get_window_extent() for label in shown if label.get_text()), key=lambda box: box.x0)
    assert len(boxes) >= 2
    assert all(left.x1 + 4 < right.x0 for left, right in itertools.pairwise(boxes))


def test_a_parameter_with_steps_has_its_ticks_at_values_that_were_tried(runs: Runs) -> None:
    summary = RunSummary.load(runs("asl"))
    filters = tuple(item for item in summary.search.importance if item.param == "filters")
    figure = FIGURES["slices"].draw(replace(summary, search=replace(summary.search, importance=filters)))
    ticks = {float(tick) for tick in figure.axes[0].get_xticks()}
    assert ticks
    assert ticks <= {trial.params["filters"] for trial in summary.search.trials}
