import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tuner import values
from tuner.cli import commands
from tuner.cli.app import SWITCHES, app
from tuner.config import RunConfig
from tuner.errors import UsageError


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("10 min", 600),
        ("2 hours", 7200),
        ("1 h 30 min", 5400),
        (600, 600),
        (0.5, 0.5),
        (None, None),
    ],
)
def test_budgets_are_read(given: object, seconds: float | None) -> None:
    assert RunConfig.of({"dataset": "digits", "budget": given}).budget == seconds


@pytest.mark.parametrize("text", ["", "0s", "15", "ten minutes", "-5m", "m", "1d", "5 m s"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a time such as 90s"):
        values.seconds("--budget", text)


def test_image_shapes_are_read() -> None:
    assert values.image_shape("--image-shape", "28x28x1") == (28, 28, 1)
    assert values.image_shape("--image-shape", "28x32") == (28, 32, 1)
    assert values.image_shape("--image-shape", "100X100X3") == (100, 100, 3)
    assert values.image_shape("--image-shape", [28, 32]) == (28, 32, 1)


@pytest.mark.parametrize("text", ["28", "28x28x2", "x28", "0x28", "28x28x1x1", "axb", ""])
def test_what_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--image-shape"):
        values.image_shape("--image-shape", text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "--trials 0"),
        ({"epochs": -1}, "--epochs -1"),
        ({"seeds": 0}, "--seeds 0"),
        ({"budget": -1.0}, "--budget -1.0: expected a time"),
        ({"engine": "hyperopt"}, "--engine 'hyperopt': expected one of optuna"),
        ({"algorithm": "annealing"}, "--algorithm 'annealing'"),
        ({"pruner": "scissors"}, "--pruner 'scissors'"),
        ({"metric": "acuracy"}, "--metric 'acuracy'"),
    ],
)
def test_wrong_options_are_named_with_their_choices(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunConfig("digits", **options)  # type: ignore[arg-type]


def test_each_engine_has_its_own_algorithm_and_pruner() -> None:
    optuna, keras_tuner = RunConfig("digits"), RunConfig("digits", engine="keras-tuner")
    assert (optuna.algorithm, optuna.pruner) == ("tpe", "screen")
    assert (keras_tuner.algorithm, keras_tuner.pruner) == ("hyperband", "none")
    assert RunConfig("digits", engine="keras-tuner", algorithm="random", pruner="asha").pruner == "asha"
    with pytest.raises(UsageError, match="the keras-tuner engine takes only none"):
        RunConfig("digits", engine="keras-tuner", pruner="asha")
    with pytest.raises(UsageError, match="'tpe': expected one of hyperband, bayesian, random, grid"):
        RunConfig("digits", engine="keras-tuner", algorithm="tpe")


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_gaussian_process_needs_the_extra() -> None:
    with pytest.raises(UsageError, match=r"pip install '\.\[torch\]'"):
        RunConfig("digits", algorithm="gp")


def test_what_must_agree_on_resuming_is_named() -> None:
    earlier = RunConfig("digits", seed=1, settings=("filters=8",)).to_json()
    now = RunConfig("digits", seed=2, trials=50, settings=("filters=8",), seeds=3)
    assert now.disagreements(earlier) == ["--seed 2 (this run directory has 1)"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "tune digits"),
        ({"engine": "keras-tuner", "trials": 5}, "tune digits --engine keras-tuner --trials 5"),
        (
            {"budget": 90.5, "settings": ("a=1", "b=2..3")},
            "tune digits --budget 90.5s --set a=1 --set b=2..3",
        ),
        ({"baselines": ("majority", "logistic")}, "tune digits --baselines majority,logistic"),
        ({"download": False, "out": Path("my runs")}, "tune digits --no-download --out 'my runs'"),
        (
            {"image_shape": (8, 8, 1), "deterministic": True},
            "tune digits --deterministic --image-shape 8x8x1",
        ),
        ({"algorithm": "random", "pruner": "none"}, "tune digits --algorithm random --pruner none"),
        (
            {"warm_start": ("a", "b"), "budget": 1e6},
            "tune digits --budget 1000000s --warm-start a --warm-start b",
        ),
    ],
)
def test_the_command_line_of_a_configuration_is_read_as_that_configuration(
    options: dict[str, Any], expected: str
) -> None:
    configuration = RunConfig("digits", **options)
    words = configuration.command()
    assert shlex.join(words) == expected
    group: Any = get_command(app)
    given = group.commands["run"].make_context("run", words[1:]).params
    read = commands.config({key: value for key, value in given.items() if key not in SWITCHES})
    assert read == configuration
