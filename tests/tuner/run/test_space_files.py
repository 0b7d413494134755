"""`--space FILE.toml`, through the command line."""

import json
from pathlib import Path

import pytest

from tests.helpers.runs import Tune, trials

SEARCH = [
    "digits", "--trials", "3", "--workers", "1", "--baselines", "none", "--seeds", "1", "--finalists", "1",
    "--space", "mine.toml",
]  # fmt: skip
MINE = 'family = "cnn-small"\n[parameters]\ndropout = 0.25\n[parameters.filters]\nlow = 4\nhigh = 8\n'


def test_a_run_searches_what_the_file_says_and_notices_a_change(tune_curves: Tune, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(MINE)
    done = tune_curves(*SEARCH, "--set", "depth=2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = [trial.user_attrs["params"] for trial in trials(tmp_path / "runs" / "digits")]
    assert {(params["dropout"], params["depth"]) for params in found} == {(0.25, 2)}
    assert all(4 <= params["filters"] <= 8 for params in found)
    space = json.loads((tmp_path / "runs" / "digits" / "run.json").read_text())["space"]
    (filters,) = [row for row in space["parameters"] if row["name"] == "filters"]
    assert (space["name"], filters["low"], filters["high"], filters["default"]) == ("cnn-small", 4, 8, 8)
    (tmp_path / "mine.toml").write_text(MINE.replace("high = 8", "high = 9"))
    refused = tune_curves(*SEARCH, "--set", "depth=2", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--space mine.toml has changed since (filters)" in refused.stderr


OWN = """
from search_spaces.family import Family, Recipe
from search_spaces.space import Int, SearchSpace
SPACE = SearchSpace("own", {"units": Int(4, 64, 8)})
FAMILY = Family("own", "mine", lambda task: SPACE, lambda *_: None, lambda params: Recipe())
"""


def test_a_file_names_a_family_of_your_own_by_its_place_beside_it(tune_curves: Tune, tmp_path: Path) -> None:
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "own.py").write_text(OWN)
    (tmp_path / "spaces" / "mine.toml").write_text('family = "own.py:FAMILY"\nparameters.units = [4, 8]\n')
    options = [*SEARCH[:-1], "spaces/mine.toml"]
    done = tune_curves(*options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = trials(tmp_path / "runs" / "digits")
    assert {trial.user_attrs["params"]["units"] for trial in found} <= {4, 8}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "no file 'mine.toml' for --space; expected FILE.toml"),
        ('family = "cnm"', "mine.toml: family = \"cnm\": no search space 'cnm'; did you mean 'cnn'?"),
        ("[parameters]\ndropuot = 0.3", "mine.toml: dropuot = 0.3: space 'cnn' has no parameter"),
    ],
)
def test_what_is_wrong_with_a_file_is_one_plain_error(
    tune_curves: Tune, tmp_path: Path, content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "mine.toml").write_text(content)
    done = tune_curves(*SEARCH, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert not (tmp_path / "runs").exists()
