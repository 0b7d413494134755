import numpy as np

from tuner.ending.shown import images_to_show


def test_of_near_copies_that_are_read_alike_one_mistake_is_shown() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 100)
    groups = np.arange(300) // 20
    probabilities = np.zeros((300, 3))
    said = labels.copy()
    said[:60] = 1  # the images of groups 0, 1 and 2
    probabilities[np.arange(300), said] = rng.uniform(0.5, 1.0, 300)
    mistakes = [index for index in images_to_show(probabilities, labels, groups)[16:] if index < 60]
    assert sorted(groups[mistakes]) == [0, 1, 2]
    for index in mistakes:  # of each group the one that the model was surest of
        mine = groups == groups[index]
        assert probabilities[index].max() == probabilities[mine].max()
