"""Scores that the learning-rate schedules reach, and how well an early score foretells them.

The first of the configurations of `replay` are trained again with other schedules, with and without
averaged weights.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.replay import CONFIGS, FOLDER, read, sets, train

SOME = 12
VARIANTS = ("CONSTANT_RAW", "CONSTANT_AVERAGED", "COSINE_RAW")


def compare(dataset: str, data: Path) -> dict[str, object]:
    """A table of the schedules on a data set, and the same as data."""
    file = Path(__file__).with_name("variants.py")
    spaces = {"trapezoid, averaged (default)": None, **{name: f"{file}:{name}" for name in VARIANTS}}
    lines = [
        "| schedule | final mean | final best | rank of the score at 3 / of its trend | at 8 |",
        "|---|---|---|---|---|",
    ]
    rows: dict[str, object] = {}
    for name, space in spaces.items():
        trained = read(train(dataset, data, FOLDER, CONFIGS if space is None else SOME, space))
        curves = np.array(trained.curves[:SOME])
        final = curves[:, -1]
        early = [
            rank(curves[:, 2], final),
            rank(2 * curves[:, 2] - curves[:, 0], final),
            rank(curves[:, 7], final),
        ]
        rows[name] = {"mean": float(final.mean()), "best": float(final.max()), "ranks": early}
        lines.append(
            f"| {name.lower().replace('_', ', ')} | {final.mean():.3f} | {final.max():.3f} "
            f"| {early[0]:.2f} / {early[1]:.2f} | {early[2]:.2f} |"
        )
    sys.stdout.write(f"{dataset}, {SOME} configurations\n\n" + "\n".join(lines) + "\n\n")
    return rows


def rank(early: NDArray[np.float64], final: NDArray[np.float64]) -> float:
    """Spearman's correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(early, final).statistic)


def run() -> dict[str, object]:
    """Trains and prints."""
    return {dataset: compare(dataset, data) for dataset, data in sets(FOLDER).items()}
