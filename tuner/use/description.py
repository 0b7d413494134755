"""The description beside a saved model, so that its folder can be used alone: `model.json`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tuner.datasets.formats.values import Scale
from tuner.errors import DataError, UsageError
from tuner.files import read_json, write_atomically, write_json
from tuner.use.looks import Looks
from tuner.use.unsure import HeldOut

MODEL, LABELS, DESCRIPTION = "model.keras", "labels.json", "model.json"
VERSION = 1


@dataclass(frozen=True)
class Description:
    """The input and output of a saved model.

    Attributes:
        image_shape: (height, width, channels) of the raw pixels, 0 to 255, that it takes.
        labels: names of the classes.
        seeds: how many trained models it averages; 1 for a single one.
        dataset: name of what it was trained on.
        looks: how the training images look; None where a run of an earlier version did not say.
        held_out: what its configuration said of held-out training images; None likewise.
        scale: which stored values of arrays became 0 to 255; None where they were raw pixels.
    """

    image_shape: tuple[int, int, int]
    labels: tuple[str, ...]
    seeds: int = 1
    dataset: str = ""
    looks: Looks | None = None
    held_out: HeldOut | None = None
    scale: Scale | None = None

    @property
    def kind(self) -> str:
        """The model in a few words."""
        height, width, channels = self.image_shape
        made = f"the average of {self.seeds} models" if self.seeds > 1 else "one model"
        colour = "grey" if channels == 1 else "colour"
        source = f" from {self.dataset}" if self.dataset else ""
        return f"{made}{source}: {width}×{height} pixels in {colour}, {len(self.labels)} classes"


def write(folder: Path, found: Description) -> None:
    """Writes `labels.json` and `model.json` into the folder of a model."""
    labels = json.dumps(list(found.labels), indent=2, ensure_ascii=False) + "\n"
    write_atomically(folder / LABELS, lambda file: file.write(labels.encode()))
    facts: dict[str, Any] = {
        "schema_version": VERSION,
        "image_shape": list(found.image_shape),
        "values": "raw pixels from 0 to 255",
        "seeds": found.seeds,
        "dataset": found.dataset,
        "training_images": None if found.looks is None else found.looks.to_json(),
        "held_out": None if found.held_out is None else found.held_out.to_json(),
        "scale": None if found.scale is None else found.scale.as_json(),
    }
    write_json(folder / DESCRIPTION, facts)


def read(folder: Path) -> Description | None:
    """The description of the model in a folder; None if an earlier version has written no `model.json`.

    Raises:
        DataError: a file is damaged, or of a later version.
    """
    if not (folder / DESCRIPTION).is_file():
        return None
    facts, labels = read_json(folder / DESCRIPTION), labels_of(folder)
    try:
        if facts["schema_version"] != VERSION:
            raise DataError(
                f"{folder / DESCRIPTION}: version {facts['schema_version']!r}; expected {VERSION}\n"
                "a later version of tune has written it"
            )
        height, width, channels = map(int, facts["image_shape"])
        looks, held_out = facts["training_images"], facts["held_out"]
        return Description(
            (height, width, channels),
            labels,
            int(facts["seeds"]),
            str(facts["dataset"]),
            None if looks is None else Looks.from_json(looks),
            None if held_out is None else HeldOut.from_json(held_out),
            Scale.of_json(facts["scale"]) if facts.get("scale") else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder / DESCRIPTION} is damaged: {error!r}") from error


def labels_of(folder: Path) -> tuple[str, ...]:
    """The names of the classes.

    Raises:
        DataError: they are missing or damaged.
    """
    path = folder / LABELS
    if not path.is_file():
        raise DataError(f"no {LABELS} in {folder}; expected the names of the classes beside {MODEL}")
    labels = read_json(path)
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise DataError(f"{path} is damaged; expected a list of names")
    return tuple(labels)


@dataclass(frozen=True)
class Place:
    """Where a saved model lies.

    Attributes:
        folder: with `model.keras`.
        run: the run directory it belongs to, None for a folder that was copied elsewhere.
    """

    folder: Path
    run: Path | None = None

    @classmethod
    def find(cls, name: Path, out: Path) -> Self:
        """The model of a run (a directory, or a name in `out`), or a folder that holds one.

        Raises:
            UsageError: there is none.
        """
        for path in (name, out / name):
            if (path / "run.json").is_file():
                if not (path / "model" / MODEL).is_file():
                    raise UsageError(
                        f"{path} has no model yet: its run has not ended\nsee tune status {name}"
                    )
                return cls(path / "model", path)
            if (path / MODEL).is_file():
                run = path.resolve().parent
                return cls(path, run if (run / "run.json").is_file() else None)
        known = sorted(path.parent.name for path in out.glob("*/run.json"))
        raise UsageError(
            f"no run and no model {str(name)!r}\nruns in {out}: {', '.join(known) or 'none'}\n"
            f"expected one of them, or a folder with {MODEL}"
        )
