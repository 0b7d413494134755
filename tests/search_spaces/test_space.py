import pytest

from search_spaces.space import Categorical, Float, Int, SearchSpace, SpaceError

SPACE = SearchSpace(
    "demo",
    {
        "filters": Int(16, 64, 32, log=True, minimum=1, maximum=512),
        "depth": Int(2, 4, 3, minimum=1, maximum=8),
        "dropout": Float(0.0, 0.5, 0.3, step=0.05, maximum=0.95),
        "rate": Float(1e-3, 1e-2, 3e-3, log=True, minimum=0.0, maximum=1.0),
        "head": Categorical(("dense", "pooling"), "dense"),
        "units": Int(64, 512, 256, log=True, active_if=("head", ("dense",))),
        "norm": Categorical((True, False), True, searched=False),
        "kernel": Categorical((3, 5), 3, searched=False),
        "momentum": Float(0.5, 0.99, 0.9, searched=False, active_if=("norm", (True,))),
    },
)


def test_what_is_searched_and_what_is_the_default() -> None:
    assert list(SPACE.searched()) == ["filters", "depth", "dropout", "rate", "head", "units"]
    assert SPACE.default()["units"] == 256
    assert SPACE.complete({}) == SPACE.default()


def test_complete_adds_fixed_and_unused_parameters() -> None:
    params = SPACE.complete({"filters": 20.0, "head": "pooling", "units": 100, "norm": 0})
    assert params["filters"] == 20
    assert params["units"] == 256  # not used with pooling, so as if it had not been said
    assert params["norm"] is False
    assert list(params) == list(SPACE.parameters)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"filtres": 3}, "did you mean 'filters'"),
        ({"zzz": 3}, "it has filters, depth"),
        ({"filters": "many"}, "filters = 'many' in space 'demo': expected a whole number"),
        ({"filters": 513}, "expected a value from 1 to 512"),
        ({"head": "dens"}, "expected one of dense, pooling"),
    ],
)
def test_complete_says_what_is_wrong(params: dict[str, object], message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        SPACE.complete(params)
    assert message in str(caught.value)


def test_conditions() -> None:
    assert SPACE.is_active("units", {"head": "dense"})
    assert SPACE.is_active("units", {})
    assert not SPACE.is_active("units", {"head": "pooling"})
    assert SPACE.is_active("filters", {"head": "pooling"})
    assert not SPACE.is_active("momentum", {"norm": 0})
    assert "units" not in SPACE.with_settings(["head=pooling"]).searched()
    with pytest.raises(SpaceError, match="must be declared before"):
        SearchSpace("x", {"a": Int(1, 2, 1, active_if=("b", (1,))), "b": Int(1, 2, 1)})


def test_conditions_of_conditions() -> None:
    space = SearchSpace(
        "x",
        {
            "a": Categorical((1, 2), 1),
            "b": Categorical((1, 2), 1, active_if=("a", (1,))),
            "c": Int(1, 3, 2, active_if=("b", (1,))),
        },
    )
    assert not space.is_active("c", {"a": 2, "b": 1})
    assert space.complete({"a": 2, "b": 2, "c": 3}) == {"a": 2, "b": 1, "c": 2}
    assert list(space.with_settings(["a=2"]).searched()) == []


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("filters=128", Int(16, 64, 128, True, minimum=1, maximum=512, searched=False)),
        ("filters = 24..48", Int(24, 48, 32, True, minimum=1, maximum=512)),
        ("filters=1..8", Int(1, 8, 8, True, minimum=1, maximum=512)),
        ("filters=8..24:linear", Int(8, 24, 24, minimum=1, maximum=512)),
        ("depth=1..4:log", Int(1, 4, 3, True, minimum=1, maximum=8)),
        ("depth=3,1", Categorical((3, 1), 3)),
        ("depth=1,2", Categorical((1, 2), 1)),
        ("dropout=0.4", Float(0.0, 0.5, 0.4, step=0.05, maximum=0.95, searched=False)),
        ("rate=1e-4..1e-3", Float(1e-4, 1e-3, 1e-3, True, minimum=0.0, maximum=1.0)),
        ("rate=0", Float(1e-3, 1e-2, 0.0, True, minimum=0.0, maximum=1.0, searched=False)),
        ("head=pooling", Categorical(("dense", "pooling"), "pooling", searched=False)),
        ("head=pooling,", Categorical(("pooling",), "pooling")),
        ("norm=no", Categorical((True, False), False, searched=False)),
        ("norm=*", Categorical((True, False), True)),
        ("norm=true,false", Categorical((True, False), True)),
        ("kernel=5", Categorical((3, 5), 5, searched=False)),
        ("filters=*", Int(16, 64, 32, True, minimum=1, maximum=512)),
    ],
)
def test_settings(setting: str, expected: object) -> None:
    name = setting.partition("=")[0].strip()
    changed = SPACE.with_settings([setting])
    assert changed.parameters[name] == expected
    assert {n: p for n, p in changed.parameters.items() if n != name} == {
        n: p for n, p in SPACE.parameters.items() if n != name
    }


def test_a_range_ends_at_its_last_step() -> None:
    narrowed = SPACE.with_settings(["dropout=0.1..0.33"]).parameters["dropout"]
    assert isinstance(narrowed, Float)
    assert (narrowed.high, narrowed.default) == (0.3, 0.3)
    assert SPACE.with_settings(["dropout=0.1..0.3:log"]).parameters["dropout"].step is None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("setting", "step"),
    [("units=32..64", 8), ("units=32..64:linear", 8), ("units=4..8", 1), ("units=16..60", 1), ("units=*", 8)],
)
def test_a_logarithmic_range_keeps_its_step_where_both_ends_are_multiples_of_it(
    setting: str, step: int
) -> None:
    space = SearchSpace("demo", {"units": Int(16, 64, 32, log=True, step=8, minimum=1, maximum=512)})
    narrowed = space.with_settings([setting]).parameters["units"]
    assert isinstance(narrowed, Int)
    assert narrowed.step == step
    assert narrowed.clamp(narrowed.default) == narrowed.default


def test_the_last_setting_of_a_parameter_counts() -> None:
    assert SPACE.with_settings(["filters=8", "filters=*"]) == SPACE


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("filters", "expected NAME=VALUE, NAME=LOW..HIGH[:log], NAME=a,b,c or NAME=*"),
        ("filters=", "expected NAME=VALUE"),
        ("=3", "expected NAME=VALUE"),
        ("fliters=3", "--set fliters=3: space 'demo' has no parameter 'fliters'; did you mean 'filters'?"),
        ("filters=lots", "--set filters=lots: expected a whole number"),
        ("filters=3.5", "expected a whole number"),
        ("filters=0", "expected a value from 1 to 512"),
        ("filters=16..1024", "expected a value from 1 to 512"),
        ("filters=64..16", "expected LOW..HIGH with LOW at most HIGH: 16..64"),
        ("filters=16..", "expected a whole number"),
        ("filters=16..32:cube", "expected LOW..HIGH, LOW..HIGH:log or LOW..HIGH:linear"),
        ("filters=16,16", "expected different values"),
        ("filters=,", "expected different values"),
        ("rate=nan", "expected a number"),
        ("rate=0..0.1", "expected LOW above 0 for a logarithmic range, or 0..0.1:linear"),
        ("head=sofa", "expected one of dense, pooling"),
        ("head=1..2", "expected choices, not a range: dense,pooling"),
        ("norm=maybe", "expected one of true, false"),
    ],
)
def test_wrong_settings(setting: str, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        SPACE.with_settings([setting])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_setting_without_effect_is_refused() -> None:
    with pytest.raises(SpaceError, match="'units' is used only with head = dense, but head is pooling here"):
        SPACE.with_settings(["units=64", "head=pooling"])
    SPACE.with_settings(["units=64", "head=dense"])


def test_the_nearest_configuration_to_another_run() -> None:
    params = SPACE.with_settings(["depth=2"]).adapt(
        {"filters": 200, "depth": 4, "rate": "?", "head": "sofa", "other": 1}
    )
    assert params == {**SPACE.default(), "filters": 64, "depth": 2}


def test_json() -> None:
    rows = {row["name"]: row for row in SPACE.with_settings(["head=pooling"]).to_json()}
    assert rows["filters"] == {
        "name": "filters",
        "type": "int",
        "low": 16,
        "high": 64,
        "log": True,
        "step": 1,
        "choices": None,
        "default": 32,
        "searched": True,
        "active_if": None,
        "summary": "",
    }
    assert rows["head"]["choices"] == ["dense", "pooling"]
    assert rows["head"]["low"] is None
    assert rows["units"]["searched"] is False  # nothing uses it any more
    assert rows["units"]["active_if"] == ["head", ["dense"]]


def test_narrowing_moves_a_default_that_lies_outside_without_declared_limits() -> None:
    space = SearchSpace("toy", {"units": Int(1, 8, 2)}).with_settings(["units=4..5"])
    assert space.default() == {"units": 4}
