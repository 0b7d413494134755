import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.builders import cycle
from tuner.datasets.splits import describe_folds, group_folds, hold_out, search_folds, stratification


def ints(values: object) -> np.ndarray:
    return np.asarray(values, np.int32)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=120),
    st.integers(2, 6),
    st.integers(0, 5),
)
def test_groups_stay_whole_and_every_image_gets_a_fold(
    items: list[tuple[int, int]], folds: int, seed: int
) -> None:
    labels, groups = ints([label for label, _ in items]), ints([group for _, group in items])
    fold_of = group_folds(labels, groups, folds, seed)
    assert fold_of.dtype == np.int32
    assert fold_of.shape == labels.shape
    assert ((fold_of >= 0) & (fold_of < folds)).all()
    for group in np.unique(groups):
        assert len(np.unique(fold_of[groups == group])) == 1


@settings(max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=200), st.integers(2, 10), st.integers(0, 3))
def test_without_groups_the_split_is_exact_to_one_image(labels: list[int], folds: int, seed: int) -> None:
    fold_of = group_folds(ints(labels), ints(range(len(labels))), folds, seed)
    counts = np.zeros((folds, 5))
    np.add.at(counts, (fold_of, ints(labels)), 1)
    assert (counts.max(0) - counts.min(0) <= 1).all()
    assert (
        stratification(ints(labels), np.append(fold_of[:-1], fold_of[-1])).exact or fold_of.max() + 1 < folds
    )


def test_single_images_make_up_for_groups() -> None:
    labels = ints([0] * 100)
    groups = ints([0] * 15 + [1] * 9 + [*range(2, 78)])
    fold_of = group_folds(labels, groups, 5, 0)
    assert np.bincount(fold_of).tolist() == [20] * 5


def test_seeds_give_different_splits_and_one_seed_the_same() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(5, 40, 200)
    groups, labels = np.repeat(np.arange(200), sizes), np.repeat(cycle(200, 8), sizes)
    first, again, other = (group_folds(ints(labels), ints(groups), 5, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    together = [(fold[:, None] == fold[None, :]) for fold in (first, other)]
    assert (together[0] & together[1]).sum() < 0.5 * together[0].sum()
    near = stratification(ints(labels), first)
    assert 0.19 < near.smallest <= near.largest < 0.21


def test_sixty_thousand_images_take_no_time() -> None:
    labels = ints(np.random.default_rng(0).integers(0, 10, 60_000))
    start = time.process_time()
    fold_of = group_folds(labels, ints(np.arange(60_000)), 10, 0)
    assert time.process_time() - start < 1
    assert stratification(labels, fold_of).exact


def test_what_groups_make_impossible_is_said() -> None:
    labels, groups = ints([0] * 10 + [1] * 10), ints([0] * 10 + [*range(1, 11)])
    fold_of = group_folds(labels, groups, 5, 0)
    near = stratification(labels, fold_of)
    assert not near.exact
    assert near.absent == (0,)
    said = describe_folds(labels, fold_of, ("cat", "dog"))
    assert "no image of 'cat'" in said
    assert "groups stay whole" in said


def test_the_test_split_is_a_fifth_and_never_changes() -> None:
    labels, groups = ints(cycle(500, 5)), ints(np.arange(500))
    held = hold_out(labels, groups)
    assert held.sum() == 100
    assert np.bincount(labels[held]).tolist() == [20] * 5
    assert (held == hold_out(labels, groups)).all()


def test_few_groups_leave_every_class_something_to_train_on() -> None:
    """Of three scenes the one that is all of its class is not held out."""
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        groups = ints(np.repeat(order, 30))
        labels = ints(groups == 2)
        held = hold_out(labels, groups)
        assert held.sum() == 30
        assert np.unique(labels[~held]).tolist() == [0, 1]


def test_number_of_folds() -> None:
    assert [search_folds(n) for n in (100, 19_999, 20_000)] == [5, 5, 10]
