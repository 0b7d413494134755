"""The price of smaller models: the front, and the sentence on it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.facts.summary import RunSummary
from reports.facts.trials import Search, Trial, TrialState
from reports.figures.tradeoffs import LABEL_GAP, spread
from reports.tradeoffs import advice, differ, doubt, front, measure, share, sized

TRIAL = Trial(0, "complete", {}, (), 0.9, (), 1.0, 4, "", "", 1000)


def search(*facts: tuple[int | None, float | None] | tuple[int | None, float | None, TrialState]) -> Search:
    """A search of trials given as (parameters, score) and, if they are not complete, their state."""
    trials = tuple(
        replace(TRIAL, number=n, parameters=f[0], score=f[1], state=f[2] if len(f) > 2 else "complete")
        for n, f in enumerate(facts)
    )
    return Search(trials, (), 1.0, 1, 1.0, "trials")


def test_the_front_has_what_nothing_beats_in_both() -> None:
    found = front(search((900, 0.8), (100, 0.7), (500, 0.8), (400, 0.6), (2000, 0.95), (3000, 0.95)))
    assert [trial.number for trial in found] == [1, 2, 4]


def test_only_complete_trials_of_known_size_are_on_it() -> None:
    trials = search(
        (10, 0.99, "pruned"), (0, 0.99), (None, 0.99), (50, None), (20, 0.99, "failed"), (100, 0.5)
    )
    assert [trial.number for trial in sized(trials)] == [5, 0]
    assert [trial.number for trial in front(trials)] == [5]


def test_the_front_is_not_beaten_by_any_trial_of_a_run(runs: Callable[[str], Path]) -> None:
    trials = RunSummary.load(runs("asl")).search
    found = front(trials)
    complete = [t for t in sized(trials) if t.state == "complete"]
    for trial in complete:
        better = [
            o
            for o in found
            if (o.parameters or 0) <= (trial.parameters or 0) and (o.score or 0) >= (trial.score or 0)
        ]
        assert better
    assert found[-1].score == max(t.score or 0 for t in complete)


def test_the_smallest_good_one_is_named() -> None:
    found = front(search((10, 0.5), (100, 0.942), (500, 0.945), (1000, 0.95)))
    told = "Trial 1 has a tenth of the parameters of trial 3, the winner, and loses 0.8 points on validation."
    assert advice(found, found[-1], "accuracy", won=True) == told
    assert "trial 3, the best so far, and" in advice(found, found[-1], "accuracy", won=False)
    assert advice(found, found[-1], "auc", won=True).endswith("loses 0.008 of its AUC on validation.")
    assert doubt(found, found[-1]) == ""


def test_it_is_the_winner_that_smaller_ones_are_weighed_against() -> None:
    """The fresh folds may name another trial than the search's best."""
    trials = search((100, 0.942), (500, 0.945), (1000, 0.95), (2000, 0.94))
    winner = measure(trials, 3)
    assert winner.number == 3
    assert measure(trials, None).number == 2
    told = advice(front(trials), winner, "accuracy", won=True)
    assert told.startswith(
        "Trial 0 has less than a 20th of the parameters of trial 3, the winner, and gains 0.2"
    )
    assert "No complete trial is both smaller" in advice(
        front(trials), measure(trials, 0), "accuracy", won=True
    )


def test_where_none_is_good_that_is_said() -> None:
    found = front(search((10, 0.5), (20, 0.6)))
    told = advice(found, found[-1], "accuracy", won=True)
    assert told.startswith("Trial 0 has half of the parameters of trial 1")
    assert doubt(found, found[-1]) == "No smaller trial comes within 2 points of it."
    alone = front(search((10, 0.5)))
    assert doubt(alone, alone[0]) == ""


def test_trials_of_one_size_leave_nothing_to_weigh() -> None:
    assert not differ(search((100, 0.5), (100, 0.6), (50, 0.7, "pruned")))
    assert differ(search((100, 0.5), (101, 0.6)))


@pytest.mark.parametrize(
    ("small", "told"),
    [(90, "90 % of"), (50, "half of"), (34, "a third of"), (10, "a tenth of"), (2, "less than a 50th of")],
)
def test_shares_in_words(small: int, told: str) -> None:
    assert share(small, 100) == told


def test_labels_keep_apart_and_near_their_points() -> None:
    places = spread([0.9, 0.91, 0.0, 0.92, 0.5, 1.0])
    assert np.diff(sorted(places)).min() >= LABEL_GAP - 1e-3
    assert (np.argsort(places) == np.argsort([0.9, 0.91, 0.0, 0.92, 0.5, 1.0])).all()
    assert places[4] == pytest.approx(0.5)
    assert min(places) >= -1e-6
    assert max(places) <= 1 + 1e-6
