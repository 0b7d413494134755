"""Figures of test images with what the saved model says of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reports.facts.answers import Confusion
from reports.facts.images import Shown
from reports.facts.summary import RunSummary
from reports.figures.style import FAILED, GOOD, INK, canvas, plain, title
from reports.markdown import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
"""Images a row, few enough to be seen on a telephone."""
SHORT = 4
"""Letters of a class name that fit beside a percentage under a small image."""
PAIRS = 4
PAIR_COLUMNS = 4
RANDOM = 16
"""The first images of a run's `images.npz` are drawn at random, the rest are mistakes."""
MOST = 12
"""Images in a grid."""
AUGMENTED = 6
"""Training images whose augmented versions are shown."""


def random_ones(summary: RunSummary) -> tuple[Shown, ...]:
    """Test images drawn at random, as many as a grid holds."""
    return summary.shown[: min(RANDOM, MOST)]


def samples(summary: RunSummary) -> "Figure":
    """Test images drawn at random."""
    chosen = random_ones(summary)
    right = sum(item.reading.said == item.reading.true for item in chosen)
    figure = _grid(summary, chosen)
    title(
        figure,
        f"The saved model on {len(chosen)} random test images: {right} right, {len(chosen) - right} wrong",
    )
    return figure


def wrong_ones(summary: RunSummary) -> list[Shown]:
    """The images that can be shown of the saved model's mistakes, the most confident first."""
    wrong = [item for item in summary.shown if item.reading.said != item.reading.true]
    return sorted(wrong, key=lambda item: (-item.reading.probability, item.reading.image))


def worst(summary: RunSummary) -> list[Shown]:
    """The mistakes that the saved model is surest of, one of each group of near-copies."""
    return one_a_group(wrong_ones(summary))[:MOST]


def mistakes(summary: RunSummary) -> "Figure":
    """`worst`, as pictures."""
    chosen = worst(summary)
    figure = _grid(summary, chosen)
    title(
        figure,
        f"The {len(chosen)} mistakes that the model is surest of" if len(chosen) > 1 else "Its one mistake",
    )
    return figure


def one_a_group(items: Sequence[Shown]) -> list[Shown]:
    """The first of each group of near-copies: the others would show the same picture again."""
    first: dict[int, Shown] = {}
    for item in items:
        first.setdefault(item.reading.group, item)
    return list(first.values())


def shown_pairs(summary: RunSummary) -> list[tuple[Confusion, list[Shown]]]:
    """The most frequent confusions of two images or more a seed, with one image of each group."""
    pairs = []
    for pair in summary.final.pairs if summary.final else ():
        wanted = (pair.true, pair.said)
        found = [item for item in wrong_ones(summary) if (item.reading.true, item.reading.said) == wanted]
        if pair.images >= 2 and found:
            pairs.append((pair, one_a_group(found)[:PAIR_COLUMNS]))
    return pairs[:PAIRS]


def new_pairs(summary: RunSummary) -> bool:
    """Whether the images of the most confused pairs show more than those of the worst mistakes."""
    shown = {item.reading.image for item in worst(summary)}
    pairs = {item.reading.image for _, items in shown_pairs(summary) for item in items}
    return len(pairs - shown) > len(pairs) / 2


def _share(pair: Confusion) -> str:
    """Of the class's images, in per cent."""
    return percent(pair.share, 0 if pair.share > 0.0995 else 1)


def confused_pairs(summary: RunSummary) -> "Figure":
    """A row of images for each of the most confused pairs of classes."""
    pairs = shown_pairs(summary)
    names = summary.dataset.class_names
    figure = canvas(0.45 + 1.4 * len(pairs))
    axes = figure.subplots(len(pairs), PAIR_COLUMNS + 1, squeeze=False)
    for row, (pair, items) in zip(axes, pairs, strict=True):
        true, said = plain(names[pair.true], 16), plain(names[pair.said], 16)
        text = f"{true}\nread as\n{said}\n({_share(pair)})"
        row[0].text(1, 0.5, text, ha="right", va="center", size=10, color=INK, transform=row[0].transAxes)
        row[0].set_axis_off()
        for index, cell in enumerate(row[1:]):
            if index < len(items):
                picture(cell, items[index])
                cell.set_title(_sure(items[index]), size=9, color=FAILED, pad=3)
            else:
                cell.set_axis_off()
    first = pairs[0][0]
    true, said = plain(names[first.true], 24), plain(names[first.said], 24)
    title(figure, f"{_share(first)} of the images of {true} are read as {said}")
    return figure


def _grid(summary: RunSummary, items: Sequence[Shown]) -> "Figure":
    """Images with what the model says under each, and in red what a misread one is."""
    names = summary.dataset.class_names
    short = max(len(name) for name in names) <= SHORT
    rows = -(-len(items) // COLUMNS)
    figure = canvas(0.42 + rows * ((6.9 if short else 7.2) / COLUMNS + (0.25 if short else 0.5)))
    axes = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for cell, item in zip(axes, items, strict=False):
        picture(cell, item)
        correct = item.reading.said == item.reading.true
        said = f"{plain(names[item.reading.said], 15)}{' ' if short else chr(10)}({_sure(item)})"
        truth = "" if correct else f"\nis {plain(names[item.reading.true], 13)}"
        cell.set_xlabel(
            said + truth, size=10, color=GOOD if correct else FAILED, labelpad=3, linespacing=1.15
        )
    for cell in axes[len(items) :]:
        cell.set_axis_off()
    return figure


def _sure(item: Shown) -> str:
    return sure(item.reading.probability)


def sure(probability: float) -> str:
    """In whole per cents: the digits of 99.98 % say nothing here."""
    return ">99 %" if 0.995 <= probability < 1 else percent(probability, 0)


def picture(axes: "Axes", item: Shown) -> None:
    """Draws a test image, in a frame that says whether it is read right."""
    pixels = item.pixels
    if pixels.shape[-1] == 1:
        axes.imshow(pixels[..., 0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    else:
        axes.imshow(np.asarray(pixels[..., :3]), interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    correct = item.reading.said == item.reading.true
    for spine in axes.spines.values():
        spine.set(color=GOOD if correct else FAILED, linewidth=1.6)


def augmentation(summary: RunSummary) -> "Figure":
    """Training images in the first row, below each what augmentation made of it."""
    assert summary.augmented is not None
    versions, count = summary.augmented.shape[0], min(AUGMENTED, summary.augmented.shape[1])
    figure = canvas(1.05 * versions + 0.5)
    grid = figure.subplots(versions, count, squeeze=False)
    for row in range(versions):
        for column in range(count):
            axes = grid[row, column]
            picture = summary.augmented[row, column]
            grey = picture.shape[-1] == 1
            axes.imshow(picture[..., 0] if grey else picture, cmap="gray" if grey else None, vmin=0, vmax=255)
            axes.set_xticks([])
            axes.set_yticks([])
    grid[0, 0].set_ylabel("as it is", color=INK, size=9)
    grid[1, 0].set_ylabel("changed", color=INK, size=9)
    title(figure, "What the winner's augmentation does to training images")
    return figure
