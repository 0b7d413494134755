"""The Python interface: the same options, checks and messages as the command line."""

import inspect
import pydoc
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuner.api import Run, tune
from tuner.config import RunConfig
from tuner.errors import UsageError


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"baselines": "none"}, {"baselines": ("none",)}),
        ({"baselines": "majority, logistic"}, {"baselines": ("majority", "logistic")}),
        ({"baselines": ["majority"]}, {"baselines": ("majority",)}),
        ({"settings": "filters=8,16"}, {"settings": ("filters=8,16",)}),
        ({"settings": ["filters=8", "epochs=2"]}, {"settings": ("filters=8", "epochs=2")}),
        ({"warm_start": "a,b"}, {"warm_start": ("a", "b")}),
        ({"budget": "10m"}, {"budget": 600.0}),
        ({"trials": "5", "seeds": np.int64(2)}, {"trials": 5, "seeds": 2}),
        ({"trials": 5.0}, {"trials": 5}),
        ({"max_parameters": "500k"}, {"max_parameters": 500_000}),
        ({"max_parameters": "1,000,000"}, {"max_parameters": 1_000_000}),
        ({"max_parameters": "1e6"}, {"max_parameters": 1_000_000}),
        ({"target": "0.9", "max_latency_ms": 2}, {"target": 0.9, "max_latency_ms": 2.0}),
        ({"deterministic": "yes"}, {"deterministic": True}),
        ({"out": "here", "data_dir": None}, {"out": Path("here"), "data_dir": None}),
        ({"image_shape": "28x28"}, {"image_shape": (28, 28, 1)}),
        ({"image_shape": [28, 28, 3]}, {"image_shape": (28, 28, 3)}),
        ({"workers": 2, "algorithm": None}, {"workers": "2", "algorithm": "tpe"}),
    ],
)
def test_values_are_read_as_the_command_line_reads_them(
    options: dict[str, Any], expected: dict[str, Any]
) -> None:
    read = RunConfig.of({"dataset": "digits", **options})
    assert {name: getattr(read, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trails": 3}, "no option 'trails'; did you mean 'trials'?"),
        ({"set": "filters=8"}, "no option 'set'; did you mean settings?"),
        ({"no_download": True}, "no option 'no_download'; did you mean download=False?"),
        ({"trials": "ten"}, "--trials 'ten': expected a whole number"),
        ({"trials": 2.5}, "--trials 2.5: expected a whole number"),
        ({"trials": True}, "--trials True: expected a whole number"),
        ({"trials": None}, "--trials None: expected a whole number"),
        ({"trials": 0}, "--trials 0: expected a whole number from 1"),
        ({"budget": "10"}, "--budget '10': expected a time such as 90s, 30m, 2h or 1h30m"),
        ({"budget": float("nan")}, "--budget nan: expected a time"),
        ({"target": "high"}, "--target 'high': expected a number"),
        ({"deterministic": "perhaps"}, "--deterministic 'perhaps': expected True or False"),
        ({"metric": "acuracy"}, "f1-macro, auc; did you mean 'accuracy'?"),
        ({"settings": 8}, "--set 8: expected a text, or several"),
        ({"out": 3}, "--out 3: expected a path"),
        ({"image_shape": (28,)}, "--image-shape (28,): expected HEIGHTxWIDTHxCHANNELS"),
    ],
)
def test_wrong_options_are_told_in_the_words_of_the_command_line(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tune("digits", **options)
    assert message in str(caught.value)


def test_the_help_lists_every_option_with_its_default() -> None:
    signature = inspect.signature(tune)
    shown = pydoc.plain(pydoc.render_doc(tune))
    for option in fields(RunConfig):
        assert option.name in signature.parameters
        if option.name != "dataset":
            assert signature.parameters[option.name].default == option.default
            assert f"    {option.name} = {option.default!r}: " in shown
    assert "Epochs of a whole training" in shown


def test_a_run_is_shown_in_a_line() -> None:
    report = {"final": {"test_accuracy": {"mean": 0.98765}}, "classes": list(range(1000))}
    assert repr(Run(Path("runs/digits"), report, False)) == "Run('runs/digits', done, test accuracy 99 %)"
    assert repr(Run(Path("runs/x"), {"final": None}, True)) == "Run('runs/x', interrupted)"
