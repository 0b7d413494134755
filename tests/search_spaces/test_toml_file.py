from pathlib import Path

import pytest

from search_spaces.space import Categorical, Float, Int, SearchSpace, SpaceError
from search_spaces.toml_file import read_toml
from tests.search_spaces.test_space import SPACE


def applied(folder: Path, content: str) -> SearchSpace:
    file = folder / "mine.toml"
    file.write_text(content)
    return read_toml(file).apply(SPACE)


def test_values_lists_and_settings_are_as_on_the_command_line(tmp_path: Path) -> None:
    space = applied(
        tmp_path,
        'family = "demo"\n[parameters]\nfilters = "16..32:log"\ndepth = 2\nhead = ["pooling"]\n'
        "norm = false\nkernel = [5, 3]\n",
    )
    assert read_toml(tmp_path / "mine.toml").family == "demo"
    assert space == SPACE.with_settings(
        ["filters=16..32:log", "depth=2", "head=pooling,", "norm=false", "kernel=5,3"]
    )


def test_tables_replace_what_they_name_and_keep_the_rest(tmp_path: Path) -> None:
    space = applied(
        tmp_path,
        "[parameters.filters]\nlow = 8\nhigh = 100\nlog = false\nstep = 8\ndefault = 24\n"
        "[parameters.rate]\nhigh = 0.1\n"
        "[parameters.kernel]\nchoices = [3, 5]\ndefault = 5\n"
        "[parameters.dropout]\nstep = 0.1\n",
    )
    filters, rate = space.parameters["filters"], space.parameters["rate"]
    assert isinstance(filters, Int)
    assert isinstance(rate, Float)
    assert (filters.low, filters.high, filters.step, filters.log, filters.default) == (8, 96, 8, False, 24)
    assert (filters.minimum, filters.maximum) == (1, 512)
    assert (rate.low, rate.high, rate.log, rate.default) == (1e-3, 0.1, True, 3e-3)
    assert space.parameters["kernel"] == Categorical((3, 5), 5, searched=True)
    assert space.parameters["dropout"].default == pytest.approx(0.3)
    assert space.parameters["depth"] == SPACE.parameters["depth"]
    assert space.complete(space.default()) == space.default()


def test_a_logarithmic_range_of_whole_numbers_may_have_a_step(tmp_path: Path) -> None:
    space = applied(tmp_path, "[parameters.filters]\nlow = 8\nhigh = 100\nlog = true\nstep = 8\n")
    filters = space.parameters["filters"]
    assert isinstance(filters, Int)
    assert (filters.low, filters.high, filters.step, filters.log) == (8, 96, 8, True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("filters = 3", "filters = 3: no such key; expected family and [parameters]"),
        ("[parameter]\nfilters = 3", "did you mean 'parameters'?"),
        ("family = 3", "family = 3: expected a name, or FILE.py:FAMILY, in quotes"),
        ("parameters = 3", "parameters = 3: expected a table"),
        ("[parameters", "is no TOML"),
        ("[parameters]\nfilters = 3000", "filters = 3000: expected a value from 1 to 512"),
        ("[parameters]\nfilters = true", "filters = true: expected a whole number"),
        ("[parameters]\nfiltres = 3", "space 'demo' has no parameter 'filtres'; did you mean 'filters'?"),
        ("[parameters.filters]\nlow = 0", "filters.low = 0: expected a value from 1 to 512"),
        ('[parameters.filters]\nhigh = "big"', 'filters.high = "big": expected a whole number'),
        ("[parameters.filters]\nlow = 65", "filters.low = 65: expected a value at most high, 64"),
        ("[parameters.filters]\nhigh = 9", "filters.high = 9: expected a value at least low, 16"),
        ("[parameters.filters]\nlog = 1", "filters.log = 1: expected true or false"),
        ("[parameters.filters]\nloog = true", "filters.loog = true: no such key; did you mean 'log'?"),
        ("[parameters.rate]\nstep = 0.001\nlog = true", "rate.step = 0.001: expected none"),
        ("[parameters.filters]\nstep = 1.5", "filters.step = 1.5: expected a whole number above 0"),
        ("[parameters.filters]\ndefault = 8", "filters.default = 8: expected a value that is searched"),
        ("[parameters.rate]\nlow = 0", "rate.low = 0: expected low above 0 for a logarithmic range"),
        ("[parameters.head]\nlow = 1", "head.low = 1: no such key; expected choices, default"),
        ('[parameters.head]\nchoices = "dense"', 'head.choices = "dense": expected a list'),
        ('[parameters.head]\nchoices = ["sofa"]', 'head.choices = ["sofa"]: expected one of dense, pooling'),
        ('[parameters.head]\nchoices = ["dense"]\ndefault = "pooling"', "head.default"),
        ('[parameters]\nhead = "pooling"\nunits = 64', "units = 64: 'units' is used only with head = dense"),
    ],
)
def test_errors_name_file_key_value_and_what_was_expected(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        applied(tmp_path, content)
    assert message in str(caught.value)
    assert str(tmp_path / "mine.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"no\.toml cannot be read"):
        read_toml(tmp_path / "no.toml")
