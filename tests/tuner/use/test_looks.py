"""Pictures that are inverted, or unlike the training images."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.tuner.use.conftest import digits
from tuner.use.looks import Looks


def photographs(count: int, seed: int) -> NDArray[np.uint8]:
    """Coloured images whose borders are anything from dark to light."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(0, 256, (count, 1, 1, 3))
    return np.clip(ground + rng.normal(0, 40, (count, 16, 16, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("negative", [False, True])
def test_digits_of_the_other_ground_are_inverted_and_no_others(negative: bool) -> None:
    images = 255 - digits(800) if negative else digits(800)
    looks = Looks.from_json(Looks.of(images[:400], None).to_json())
    assert looks.ground == ("light" if negative else "dark")
    grey = [0.0] * 400
    assert not looks.inverted(images[400:], grey).any()
    assert looks.inverted(255 - images[400:], grey).mean() > 0.99
    assert not looks.inverted(255 - images[400:], [90.0] * 400).any()  # coloured pictures


def test_paper_under_a_lamp_is_inverted_though_it_is_not_white() -> None:
    looks = Looks.of(digits(400), None)
    paper = (190 - 0.5 * digits(100).astype(float)).astype(np.uint8)
    assert looks.inverted(paper, [8.0] * 100).mean() > 0.95


def test_photographs_of_any_ground_are_never_inverted() -> None:
    looks = Looks.of(photographs(400, 0), None)
    assert looks.ground == ""
    assert not looks.inverted(255 - photographs(100, 1), [60.0] * 100).any()


def test_few_images_of_the_same_kind_are_said_to_be_unlike() -> None:
    looks = Looks.of(digits(400), None)
    notes = looks.notes(digits(800)[400:], [0.0] * 400)
    assert sum(bool(note) for note in notes) < 0.02 * 400


def test_notes_name_what_differs() -> None:
    looks = Looks.of(digits(400), [[8, 8, 390], [40, 20, 10]])
    [bright] = looks.notes(np.full((1, 8, 8, 1), 250, np.uint8), [0.0])
    assert bright[0].startswith("its border is lighter than in training (250; there ")
    [coloured] = looks.notes(digits(1), [80.0])
    assert coloured == ["it is coloured, training images were grey"]
    [grey] = Looks.of(photographs(400, 0), None).notes(photographs(1, 5), [0.0])
    assert grey == ["it is grey, training images were coloured"]
    assert looks.size_note(30, 30) == looks.size_note(100, 159) == ""
    assert looks.size_note(1, 2) == "it has 2×1 pixels, training images had sides of 8 to 40"
    assert looks.size_note(3000, 4000) == "it has 4000×3000 pixels, training images had sides of 8 to 40"
