"""Near-copies that are found and joined, which wrong labels are named, and how often intervals and
verdicts are right: the figures of the docs.

Data sets are looked for in `TUNE_DATA_DIR`, or in `../shared/data`; those that are missing are left out.
"""

import io
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.helpers.pictures import few_scenes, panning, silhouettes
from tests.helpers.simulated import (
    NOISE,
    REGIMES,
    SPACES,
    Regime,
    coverage,
    false_verdicts,
    same,
    selection,
)
from tuner.datasets.audit.duplicates import Duplicates, find_duplicates

Pixels = NDArray[np.uint8]
COPIED = 240
SIMULATED = 4000
"""Runs of each simulation: a share of 0.95 has a standard error of 0.0034."""


def joined(name: str, images: list[Pixels], labels: NDArray[np.int32]) -> tuple[dict[str, Any], Duplicates]:
    """The findings as a row of the table."""
    began = time.process_time()
    found = find_duplicates(images, labels)
    row = {
        "images": len(found.groups),
        "groups": len(np.unique(found.groups)),
        "threshold": found.threshold,
        "detail": "fine detail" in found.rule,
        "scenes": found.scenes,
        "dissolved": found.dissolved,
        "seconds": time.process_time() - began,
    }
    detail = "yes" if row["detail"] else "no"
    sys.stdout.write(
        f"| {name} | {row['images']:,} | {row['groups']:,} | {found.threshold} | {detail} | {found.scenes} "
        f"| {found.dissolved:.0%} | {row['seconds']:.1f} |\n"
    )
    return row, found


def digits() -> tuple[Pixels, NDArray[np.int32]]:
    """Those of scikit-learn."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return (data.images * 255 / 16).astype(np.uint8)[..., None], data.target.astype(np.int32)


def made() -> dict[str, tuple[list[Pixels], NDArray[np.int32]]]:
    """Made data sets by name."""
    images, labels = digits()
    again = np.random.default_rng(0).choice(len(images), len(images) * 15 // 100, replace=False)
    frames, scene = few_scenes(8, 100)
    chance = np.random.default_rng(0).integers(0, 2, len(scene))
    garments = silhouettes(3000)
    moving, place = panning(20, 40, 3)
    return {
        "digits": ([images], labels),
        "digits, 15 % exact copies": (
            [np.concatenate([images, images[again]])],
            np.concatenate([labels, labels[again]]),
        ),
        "8 scenes, label of the scene": ([frames], (scene % 2).astype(np.int32)),
        "8 scenes, labels by chance": ([frames], chance.astype(np.int32)),
        "20 scenes, a camera that moves by 3 of 64 pixels": ([moving], (place % 2).astype(np.int32)),
        "garments of one outline": ([garments], (np.arange(3000) % 2).astype(np.int32)),
    }


def real(folder: Path) -> dict[str, tuple[list[Pixels], NDArray[np.int32]]]:
    """Those of the real data sets that are there."""
    from tuner.datasets import quiet, source
    from tuner.datasets.base import DataOptions

    options = DataOptions(folder, folder, download=False)
    found = {}
    for name, most in (("asl", None), ("cats-dogs", None), ("mnist", 10_000)):
        if not (folder / name).is_dir():
            sys.stdout.write(f"{name} is not in {folder}\n")
            continue
        one = source(name, options)
        raw = one.read(one.files(options, quiet), options, quiet)
        found[name] = ([raw.train_images[:most]], raw.train_labels[:most])
    return found


def copies(images: Pixels) -> dict[str, Pixels]:
    """Copies as a camera, an editor or an augmented data set makes them."""
    side = images.shape[1]

    def each(change: Callable[[Image.Image], Image.Image]) -> Pixels:
        return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])

    def cropped(share: float) -> Pixels:
        edge = max(1, round(side * share))
        box = (edge, 0, side, side - edge)  # at a corner, where most is lost of what lies in the middle
        return each(lambda image: image.crop(box).resize((side, side), Image.Resampling.BICUBIC))

    def turned(degrees: float) -> Pixels:
        return each(lambda image: image.rotate(degrees, Image.Resampling.BICUBIC))

    def shifted(share: float) -> Pixels:
        by = max(1, round(side * share))
        return np.concatenate([images[:, :, :by], images[:, :, :-by]], 2)

    def compressed(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=40)
        return Image.open(file)

    crops = {f"crop of {share} %": cropped(share / 100) for share in (2, 5, 7, 10, 12)}
    turns = {f"turned by {degrees}°": turned(degrees) for degrees in (1.5, 3, 4.5, 6, 8)}
    return {
        **crops,
        "mirrored": images[:, :, ::-1],
        "mirrored, crop of 5 %": cropped(0.05)[:, :, ::-1],
        **turns,
        "shifted by 2 % of the side": shifted(0.02),
        "shifted by 6 % of the side": shifted(0.06),
        "JPEG of quality 40": each(compressed),
    }


def hidden(images: Pixels, labels: NDArray[np.int32]) -> dict[str, list[float]]:
    """The share that is found of each kind of copy of some photographs, as they are and at 32 pixels."""
    small = np.stack([np.asarray(Image.fromarray(image).resize((32, 32))) for image in images])
    chosen = np.random.default_rng(3).choice(len(images), COPIED, replace=False)
    result: dict[str, list[float]] = {}
    for kinds in zip(*(copies(each[chosen]).items() for each in (images, small)), strict=True):
        kind, result[kinds[0][0]] = kinds[0][0], []
        for whole, (_, changed) in zip((images, small), kinds, strict=True):
            groups = find_duplicates([whole, changed], np.concatenate([labels, labels[chosen]])).groups
            result[kind].append(float((groups[chosen] == groups[len(whole) :]).mean()))
        sys.stdout.write(f"| {kind} | {' | '.join(f'{share:.0%}' for share in result[kind])} |\n")
    return result


def wrong_labels() -> dict[str, dict[str, int]]:
    """Digits with labels made wrong at random, read by neighbours out of fold."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    from tuner.ending.suspects import suspected

    images, true = digits()
    rng, result = np.random.default_rng(1), {}
    for share in (0.0, 0.15, 0.3):
        wrong = rng.random(len(true)) < share
        labels = np.where(wrong, (true + rng.integers(1, 10, len(true))) % 10, true)
        folds = KFold(5, shuffle=True, random_state=0)
        model, vectors = KNeighborsClassifier(15), images.reshape(len(images), -1)
        said = cross_val_predict(model, vectors, labels, cv=folds, method="predict_proba")
        named = [each.row for each in suspected(said, labels)]
        row = {"wrong": int(wrong.sum()), "named": len(named), "right": int(wrong[named].sum())}
        sys.stdout.write(f"| {share:.0%} | {row['wrong']} | {row['named']} | {row['right']} |\n")
        result[f"{share:.0%}"] = row
    return result


def shares(*found: float | None) -> str:
    """Cells of a table."""
    return " | ".join("–" if each is None else f"{each:.3f}" for each in found)


def simulations() -> dict[str, object]:
    """The long form of `tests/reports/test_stats.py`: coverage, false verdicts, the choice of a winner."""
    tables: dict[str, dict[str, object]] = {"coverage": {}, "false": {}, "selection": {}}
    sys.stdout.write(
        "\n| test split | seeds | mean of seeds | saved model | difference |\n|---|---|---|---|---|\n"
    )
    for name, regime in REGIMES.items():
        for seeds in (1, 2, regime.seeds):
            found = coverage(replace(regime, seeds=seeds), SIMULATED, 1)
            cells = shares(found.mean if seeds > 1 else None, found.saved, found.difference)
            sys.stdout.write(f"| {name} | {seeds} | {cells} |\n")
            tables["coverage"][f"{name}, {seeds}"] = asdict(found)
        for few in range(2, min(4, regime.seeds)):
            found = coverage(regime, SIMULATED, 1, others=few)
            sys.stdout.write(
                f"| {name} | {regime.seeds} and {few} | {shares(None, None, found.difference)} |\n"
            )
            tables["coverage"][f"{name}, {regime.seeds} and {few}"] = asdict(found)
    sys.stdout.write(
        "\n| three equal models, 2,000 images | 1 seed | 2 seeds | 3 | 5 |\n|---|---|---|---|---|\n"
    )
    for name, noise in NOISE.items():
        equal = Regime(same(2000, 1), (0.9,) * 3, 1, 1.0, noise, 0.5)
        false = [false_verdicts(replace(equal, seeds=seeds), SIMULATED, 2) for seeds in (1, 2, 3, 5)]
        sys.stdout.write(f"| {name} | {shares(*false)} |\n")
        tables["false"][name] = false
    sys.stdout.write(
        "\n| space | winner worse than default | were it no finalist | regret | were none dropped "
        "| too high in the search | on fresh folds | false verdicts | coverage | trainings on folds |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n"
    )
    for name, space in SPACES.items():
        chosen = selection(space, SIMULATED, 3)
        without = selection(space, SIMULATED, 3, competes=False).worse
        all_folds = selection(space, SIMULATED, 3, race=False)
        cells = shares(
            chosen.worse,
            without,
            chosen.regret,
            all_folds.regret,
            chosen.search_optimism,
            chosen.optimism,
            chosen.false,
            chosen.covered,
        )
        sys.stdout.write(f"| {name} | {cells} | {chosen.trainings:.1f} of {all_folds.trainings:.1f} |\n")
        tables["selection"][name] = asdict(chosen)
    return dict(tables)


def run() -> dict[str, object]:
    """Measures and prints."""
    folder = Path(os.environ.get("TUNE_DATA_DIR", "../shared/data"))
    sys.stdout.write("| data | images | groups | threshold | detail | scenes | dissolved | CPU seconds |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|---|\n")
    sets = {**made(), **real(folder)}
    tables: dict[str, object] = {"joined": {name: joined(name, *each)[0] for name, each in sets.items()}}
    if "cats-dogs" in sets:
        sys.stdout.write("\n| copy of a photograph | found | at 32 pixels |\n|---|---|---|\n")
        images, labels = sets["cats-dogs"]
        tables["hidden"] = hidden(images[0], labels)
    sys.stdout.write("\n| labels made wrong | wrong | named | of these wrong |\n|---|---|---|---|\n")
    tables["wrong labels"] = wrong_labels()
    tables["simulations"] = simulations()
    return tables
