"""Settings that are almost right, and those that leave the range of a family."""

import pytest

from search_spaces.parameters import number
from search_spaces.space import Categorical, Float, Int, SearchSpace, SpaceError

SPACE = SearchSpace(
    "cnn",
    {
        "filters": Int(16, 64, 32, minimum=1, maximum=1024),
        "rate": Float(0.001, 0.01, 0.003, log=True, minimum=1e-6, maximum=1.0),
        "head": Categorical(("dense", "pooling"), "dense"),
    },
)


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("filters=8-32", "8..32"),
        ("filters=8 – 32", "8..32"),
        ("filters=8...32", "8..32"),
        ("filters=8:32", "8..32"),
        ("filters=8 to 32", "8..32"),
        ("rate=1e-4-1e-2", "1e-4..1e-2"),
    ],
)
def test_a_range_in_another_form_is_shown_in_ours(setting: str, written: str) -> None:
    with pytest.raises(SpaceError) as caught:
        SPACE.with_settings([setting])
    assert str(caught.value).endswith(f"a range is written {written}")


@pytest.mark.parametrize("setting", ["rate=1e-4", "filters=8..32:log", "head=pooling"])
def test_what_is_right_is_no_range_in_another_form(setting: str) -> None:
    SPACE.with_settings([setting])


@pytest.mark.parametrize(
    ("setting", "sentences"),
    [
        ("filters=900..1000", ["filters=900..1000 leaves the range of cnn, which is 16..64"]),
        ("filters=8", ["filters=8 leaves the range of cnn, which is 16..64"]),
        ("filters=32,128", ["filters=32..128 leaves the range of cnn, which is 16..64"]),
        ("rate=0.00001..0.01", ["rate=0.00001..0.01 leaves the range of cnn, which is 0.001..0.01"]),
        ("filters=20..30", []),
        ("head=pooling", []),
    ],
)
def test_what_leaves_the_range_of_the_family_is_said(setting: str, sentences: list[str]) -> None:
    assert SPACE.left_by(SPACE.with_settings([setting])) == sentences


def test_numbers_are_written_as_people_write_them() -> None:
    assert [number(value) for value in (1e-5, 0.003, 1e6, 2.0, 64, True)] == [
        "0.00001",
        "0.003",
        "1000000",
        "2",
        "64",
        "true",
    ]
