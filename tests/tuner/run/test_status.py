"""`tune status`: what it says of a search under way."""

from datetime import datetime, timedelta
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tuner.display import duration
from tuner.run.status import overview
from tuner.run_json import RunRecord

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
    # 10 trials of 3 epochs; then 7 of them from epoch 3 to 8: 30 + 35 epochs.
    assert left(10).endswith(" left: 1 min 5 s of search, then the trainings of the end")
    assert left(20).endswith(" left: 35 s of search, then the trainings of the end")


def test_heads_on_features_are_trained_to_their_end_and_none_waits() -> None:
    space = {"name": "pretrained"}
    assert left(10, space=space).endswith(" left: 30 s of search, then the trainings of the end")
    named = {**RUN["config"], "pruner": "hyperband"}
    assert left(10, space=space, config=named) == left(10, config=named)


def test_a_search_on_a_part_of_the_images_has_so_many_steps_less() -> None:
    few = {"config": {**RUN["config"], "seeds": 3}}
    part = left(10, plan={"epochs": 20, "share": 0.01}, **few)
    assert part == left(10, dataset={**RUN["dataset"], "n_train": 128}, **few)
    assert part != left(10, **few)


def test_the_time_left_is_that_of_the_whole_run() -> None:
    # 3 finalists and the default on 3 folds, 3 retrainings of winner and default: 18 of 20 epochs of 2 s.
    config = {**RUN["config"], "baselines": ["none"]}
    search, whole = 65, 65 + 18 * 20 * 2 / 2
    assert left(10, config=config).startswith(f"about {duration(whole)} left: {duration(search)} of search")
    assert left(20, config=config, state="finishing") == "about 6 min left"
    trials = [waiting(number) for number in range(20)]
    record = RunRecord.from_json({**RUN, "config": config, "state": "finishing"})
    assert overview(record, trials, ended=600.0)[-1] == "about 1 min left"
    assert "left" not in overview(record, trials, ended=720.0)[-1]


def test_compiling_a_model_is_not_taken_for_its_epochs() -> None:
    """Of the six seconds of three epochs, three went into the start: whole trainings take 3 + 20 x 1 s."""
    config = {**RUN["config"], "baselines": ["none"]}
    trials = [waiting(number) for number in range(20)]
    for trial in trials:
        trial.set_user_attr("starting", 3.0)
    record = RunRecord.from_json({**RUN, "config": config, "state": "finishing"})
    assert overview(record, trials)[-1] == f"about {duration(18 * 23 / 2)} left"


def test_no_more_time_is_left_than_the_budget_has() -> None:
    ends = (datetime.now().astimezone() + timedelta(seconds=100)).isoformat()
    assert left(10, ends_by=ends).startswith(("about 1 min 40 s left: ", "about 1 min 39 s left: "))


@pytest.mark.parametrize("changes", [{"state": "done"}, {"plan": None}])
def test_no_time_is_named_that_is_not_known(changes: dict[str, Any]) -> None:
    assert "left" not in left(10, **changes)
    assert "left" not in left(0)
