"""Which search space a data set gets, and what its winner is compared with."""

from pathlib import Path

import pytest

from search_spaces.backbones import weights
from search_spaces.family import Task
from tuner.datasets import quiet
from tuner.run.space_choice import choose, photographic


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    """Some, on a machine with weights."""
    file = tmp_path / weights.BACKBONES["mobilenet-v2"].file
    file.touch()
    monkeypatch.setenv(weights.VARIABLE, str(file))
    return Task((32, 48, 3), 2, 2000)


def test_photographs_get_heads_on_features_and_are_told_why(photographs: Task) -> None:
    found = choose("cnn", photographs, download=False, progress=quiet)
    assert found.space == "pretrained"
    assert "the images are in colour" in found.why


@pytest.mark.parametrize(
    ("usual", "shape", "why"),
    [
        ("cnn", (100, 100, 1), ""),
        ("cnn", (31, 48, 3), "smaller than 32 pixels"),
        ("cnn-small", (100, 100, 3), ""),
    ],
)
@pytest.mark.usefixtures("photographs")
def test_grey_and_tiny_images_and_data_sets_with_a_space_of_their_own_keep_it(
    usual: str, shape: tuple[int, int, int], why: str
) -> None:
    found = choose(usual, Task(shape, 2, 2000), download=False, progress=quiet)
    assert found.space == usual
    assert why in found.why
    assert bool(found.why) == bool(why)


def test_a_cnn_from_scratch_is_among_the_baselines_of_photographs(photographs: Task) -> None:
    assert {"cnn", "logistic"} < set(photographic(photographs))
    many = Task((224, 168, 3), 2, 10_000)
    assert "cnn" in photographic(many)
    assert "logistic" not in photographic(many)
