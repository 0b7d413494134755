"""`tune status`: what it says of a search under way."""

from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tuner.run.status import overview
from tuner.run_record import RunRecord

RUN: dict[str, Any] = {
    "name": "digits",
    "state": "searching",
    "config": {"trials": 20, "pruner": "screen"},
    "dataset": {
        "name": "digits",
        "image_shape": [8, 8, 1],
        "class_names": ["0", "1"],
        "n_train": 12_800,
        "n_validation": 0,
        "n_test": 0,
    },
    "environment": {"workers": 2},
    "plan": {"epochs": 20},
}


def waiting(number: int) -> optuna.trial.FrozenTrial:
    """A trial that has trained three epochs of two seconds, and waits."""
    facts = {"paused": 3, "until": 3, "epochs": 3, "stints": {"0": [6.0 * (number // 2), 6.0, number % 2]}}
    scores = {epoch: 0.1 * epoch + 0.01 * number for epoch in (1, 2, 3)}
    trial = optuna.trial.create_trial(
        state=TrialState.RUNNING, intermediate_values=scores, user_attrs=facts, params={}, distributions={}
    )
    trial.number = number
    return trial


def left(trials: int, **changes: Any) -> str:
    return overview(RunRecord.from_json({**RUN, **changes}), [waiting(number) for number in range(trials)])[
        -1
    ]


def test_the_time_left_is_known_while_all_trials_wait_at_the_first_rung() -> None:
    # 10 trials of 3 epochs; then 7 of them from epoch 3 to 8, and 4 of those to 20: 30 + 35 + 48 epochs.
    assert left(10) == "the search has about 1 min 53 s left"
    assert left(20) == "the search has about 1 min 23 s left"


@pytest.mark.parametrize("changes", [{"state": "finishing"}, {"plan": None}])
def test_no_time_is_named_that_is_not_known(changes: dict[str, Any]) -> None:
    assert "left" not in left(10, **changes)
    assert "left" not in left(0)
