"""The report on near-copies and labels: it says only what is known."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.facts.summary import RunSummary
from reports.sections import audit, validity

NONE = "No test image has a near-copy among the training images."


def with_duplicates(path: Path, **facts: Any) -> RunSummary:
    """The run with other facts on its near-copies."""
    told = json.loads((path / "audit.json").read_text())
    told["duplicates"] |= {"images_with_copy": {"train": 0, "test": 0}, **facts}
    (path / "audit.json").write_text(json.dumps(told))
    return RunSummary.load(path)


def test_after_dissolving_nothing_is_said_to_have_no_near_copy(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    path = make_run(tmp_path / "run", "binary")
    assert NONE in validity.render(RunSummary.load(path))
    summary = with_duplicates(path, dissolved=0.93)
    text = validity.render(summary)
    assert NONE not in text
    assert "not known: of 93 % of all images only exact copies could be told" in text
    assert "have no near-copies among them" not in text
    assert "too narrow if they are not" in text
    assert "No image has a near-copy" not in audit.render(summary)


def test_few_scenes_are_told(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    summary = with_duplicates(make_run(tmp_path / "run", "asl"), scenes=8)
    assert "the numbers speak of 8 scenes, not of" in validity.render(summary)


def test_doubtful_labels_have_their_file(runs: Callable[[str], Path]) -> None:
    text = audit.render(RunSummary.load(runs("failed")))
    assert "Of 3,183 training labels (of 5,306: those on the fresh folds) 1 is hard or wrong" in text
    assert "12.png, labelled" in text
    assert "<a>" not in text.replace("\\<a>", "")
    assert "figures/doubtful-labels.png" in text
    assert "none is confidently disputed" in audit.render(RunSummary.load(runs("asl")))


def test_readings_by_other_runs_are_told(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    path = make_run(tmp_path / "run", "asl")
    assert "Other runs" not in validity.render(RunSummary.load(path))
    final = json.loads((path / "final.json").read_text())
    (path / "final.json").write_text(json.dumps(final | {"other_test_readings": 4}))
    assert "Other runs on the same test images have read them 4 times" in validity.render(
        RunSummary.load(path)
    )


def test_folds_that_trained_on_a_part_of_the_images_correlate_more(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    """Nadeau and Bengio's correction counts the images that were trained on, not those that there are."""
    path = make_run(tmp_path / "run", "asl")
    noise = []
    for share in (1.0, 0.25):
        run = json.loads((path / "run.json").read_text())
        run["plan"]["share"] = share
        (path / "run.json").write_text(json.dumps(run))
        summary = RunSummary.load(path)
        assert summary.final is not None
        assert summary.final.shift is not None
        assert summary.final.shift.noise is not None
        noise.append(summary.final.shift.noise)
        held_out = summary.dataset.n_validation / (summary.dataset.n_train - summary.dataset.n_validation)
        assert summary.dataset.held_out == pytest.approx(held_out / share)
    assert noise[1] > noise[0]
