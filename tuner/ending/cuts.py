"""Parts of the end of a run that were left out, shortened or failed, in sentences for the report."""

from collections import Counter
from collections.abc import Iterable, Mapping

from tuner.ending.fits import Fit, Fits


def left_out(
    fits: Fits, cut: Iterable[Fit], planned: Mapping[str, tuple[int, int]], folds: int, share: float
) -> list[str]:
    """A sentence for each kind of training that was left out, and for each that failed.

    Args:
        fits: what was done.
        cut: what was left out.
        planned: folds and seeds by model.
        folds: those of a model that is not named there.
        share: of the training images, on which all are trained on folds.
    """
    cut = {fits.key(fit): fit for fit in cut}.values()
    on_folds = Counter(
        fit.name for fit in cut if fit.spec.purpose in {"finalist", "baseline"} and fit.spec.share == share
    )
    retrained = Counter(fit.name for fit in cut if fit.spec.purpose == "retrain")
    on_less = sum(fit.spec.share < share for fit in cut)
    sentences = [
        *_fewer(
            on_folds,
            {name: planned.get(name, (folds, 0))[0] for name in on_folds},
            "trainings on fresh folds",
        ),
        *_fewer(retrained, {name: count for name, (_, count) in planned.items()}, "retrainings"),
    ]
    if on_less:
        sentences.append(f"to hold the budget, trainings on less data were left out: {on_less}")
    if any(fit.spec.purpose == "preview" for fit in cut):
        sentences.append("to hold the budget, the figure of augmented images was left out")
    forms = [len(fit.spec.members) for fit in cut if fit.spec.purpose == "ensemble"]
    if any(members > 1 for members in forms):
        sentences.append("to hold the budget, the ensemble was not saved")
    if any(members == 1 for members in forms):
        sentences.append("to hold the budget, the probabilities of the saved model were not calibrated")
    return sentences + [f"a training of `{fit.name}` failed ({result.reason})" for fit, result in fits.failed]


def _fewer(missing: Mapping[str, int], planned: Mapping[str, int], what: str) -> list[str]:
    """A sentence on the models that had fewer trainings than planned, those that had most first."""
    had: dict[tuple[int, int], list[str]] = {}
    for name, count in missing.items():
        had.setdefault((planned[name] - count, planned[name]), []).append(f"`{name}`")
    parts = [
        f"{', '.join(had[done, of])} {f'{done} of {of}' if done else 'none'}"
        for done, of in sorted(had, reverse=True)
    ]
    return [f"to hold the budget, some models had fewer {what}: {'; '.join(parts)}"] if parts else []
