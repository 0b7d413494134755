import json
from pathlib import Path

import numpy as np

from tests.helpers.builders import csv_text, cycle, noise, npz_bytes, pixel_header, write
from tests.helpers.pictures import few_scenes
from tests.tuner.datasets.conftest import Load
from tuner.datasets.audit.build import describe


def test_copies_leaks_conflicts_and_constants(load_data: Load, tmp_path: Path) -> None:
    x, x_test = noise(60, (12, 12, 1)), noise(20, (12, 12, 1), 1)
    y, y_test = cycle(60, 3), cycle(20, 3)
    x[7] = x[3]  # an exact copy of another class: 7 % 3 is 1, 3 % 3 is 0
    x_test[4] = np.clip(x[10].astype(int) + 4, 0, 255).astype(np.uint8)
    x_test[5] = x[11]
    x[20], x[21] = 9, 9  # constant, equal, of two classes
    data = load_data(
        write(tmp_path / "my.npz", npz_bytes(x_train=x, y_train=y, x_test=x_test, y_test=y_test))
    )
    audit = json.loads((data.directory / "audit.json").read_text())
    copies = audit["duplicates"]
    assert copies["threshold"] == 0.99
    assert copies["groups"] == {"train": 58, "test": 20}
    assert copies["leaked_test_images"] == [4, 5]
    assert copies["images_with_copy"] == {"train": 6, "test": 2}
    assert copies["exact"] == {"train": 5, "test": 1}
    assert copies["largest_group"] == 2
    first = copies["examples"][0]
    assert (first["a"][0], first["b"][0]) == ("train", "test")
    assert first["correlation"] > 0.99
    assert len(copies["examples"]) == 4
    assert audit["label_conflicts"] == [[3, 7], [20, 21]]
    assert audit["constant_images"] == {"train": [20, 21], "test": []}
    assert audit["classes"] == [{"name": str(i), "train": 20} for i in range(3)]
    assert audit["values"]["min"] == 0
    assert audit["images"]["shape"] == [12, 12, 1]
    lines = "\n".join(describe(audit, data.class_names))
    assert "2 of 20 have a near-copy among the training images" in lines
    assert "near-copies whose labels differ: 2 pairs" in lines
    assert "images of one single value: 2 train, 0 test" in lines


def test_a_giant_group_that_is_dissolved_leaves_leaks_unknown(load_data: Load, tmp_path: Path) -> None:
    """All images show one square: nothing is said of near-copies that nobody looked for."""
    rng = np.random.default_rng(0)
    square = np.zeros((12, 12, 1))
    square[3:9, 3:9] = 200
    x = np.clip(square + rng.normal(0, 3, (80, 12, 12, 1)), 0, 255).astype(np.uint8)
    file = write(tmp_path / "my.npz", npz_bytes(x_train=x, y_train=cycle(80, 2)))
    data = load_data(file)
    assert data.audit["duplicates"]["dissolved"] == 1
    lines = "\n".join(describe(data.audit, data.class_names))
    assert "leaked test images: not known; of 100% of all images only exact copies are known" in lines


def test_few_scenes_are_split_as_scenes(load_data: Load, tmp_path: Path) -> None:
    images, scene = few_scenes(8, 40)
    file = write(tmp_path / "my.npz", npz_bytes(x_train=images, y_train=scene % 2))
    data = load_data(file)
    copies = data.audit["duplicates"]
    assert copies["scenes"] == 8
    assert copies["leaked_test_images"] == []
    assert copies["groups"]["train"] + copies["groups"]["test"] == 8
    assert np.bincount(data.train_labels).min() >= 40
    assert "only 8 scenes" in copies["rule"]


def test_imbalance_and_missing_folds_are_said(load_data: Load, tmp_path: Path) -> None:
    labels = np.array(["rare"] * 10 + ["common"] * 90)
    x = noise(100)
    x[1:10] = x[0]
    file = write(tmp_path / "my.csv", csv_text(x, labels, header=pixel_header(64)))
    more = write(
        tmp_path / "more.csv",
        csv_text(noise(20, seed=5), np.array(["rare", "common"] * 10), header=pixel_header(64)),
    )
    data = load_data(file, test=more)
    assert data.audit["imbalance"] == 9
    notes = "\n".join(data.audit["notes"])
    assert "all training images of 'rare' are one group" in notes
    assert "some fold has no image of 'rare'" in notes


def test_test_labels_are_nowhere_in_the_audit(load_data: Load, tmp_path: Path) -> None:
    """Two data sets that differ in their test labels only have the same audit."""
    x, x_test = noise(60), noise(40, seed=1)
    x_test[3] = x_test[4]
    audits = []
    for labels in (cycle(40, 2), 1 - cycle(40, 2)):
        file = write(
            tmp_path / "my.npz", npz_bytes(x_train=x, y_train=cycle(60, 2), x_test=x_test, y_test=labels)
        )
        audits.append(load_data(file).audit)
    assert audits[0] == audits[1]
