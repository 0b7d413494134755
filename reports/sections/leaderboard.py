"""Winner, default and baselines side by side, and what may be said of the differences."""

from reports.facts.comparisons import NO_VERDICT, Comparison
from reports.facts.final import Final
from reports.facts.models import Model
from reports.facts.summary import RunSummary
from reports.figures.results import ENSEMBLE, ranked
from reports.markdown import (
    METRICS,
    NONE,
    brief,
    code,
    decimals_for,
    escape,
    folded,
    how_often,
    interval,
    join,
    listed,
    milliseconds,
    percent,
    plural,
    points,
    rounded,
    score,
    table,
    unbroken,
)


def render(summary: RunSummary) -> str:
    """The leaderboard as figure and table; nothing before models are tested."""
    if summary.final is None or not ranked(summary):
        return ""
    return join(
        [
            "## Leaderboard",
            _table(summary),
            _reading(summary),
            _other_scores(summary),
            _sources(summary),
        ]
    )


def _table(summary: RunSummary) -> str:
    assert summary.final is not None
    models = {model.name: model for model in summary.final.models}
    verdicts = {item.baseline: item for item in summary.final.comparisons}
    rows = []
    digits = max([1, *(decimals_for(accuracy.interval) for _, accuracy in ranked(summary))])
    for name, accuracy in ranked(summary):
        bold = "**" if name == "tuned" else ""
        shown = f"{bold}{percent(accuracy.mean, digits)}{bold}"
        shown = unbroken(shown)
        shown += f" {unbroken(f'({interval(accuracy.interval, digits)})')}" if accuracy.interval else ""
        label = f"*{name}*" if name == ENSEMBLE else f"{bold}{code(name)}{bold}"
        label += " (the default)" if name == "tuned" and summary.final.is_default else ""
        compared = _compared(verdicts.get(name), digits)
        asked = [_score(models.get(name), summary.metric)] if summary.metric != "accuracy" else []
        size = _size_together(summary.final) if name == ENSEMBLE else _size(models.get(name))
        rows.append([label, shown, *asked, *compared, *size])
    header = [
        "model",
        "test accuracy",
        *([METRICS[summary.metric]] if summary.metric != "accuracy" else []),
        "`tuned` minus it, points",
        "verdict on `tuned`",
        "parameters",
        "training",
        "ms an image",
        "overfit, points",
    ]
    return table(header, rows, f"lr{'r' if summary.metric != 'accuracy' else ''}rlrrrr")


def _score(model: Model | None, metric: str) -> str:
    return score(model.scores[metric], metric) if model is not None else NONE


def _other_scores(summary: RunSummary) -> str:
    """The other measures that a search could have maximised, and the loss."""
    assert summary.final is not None
    models = {model.name: model for model in summary.final.models}
    others = [metric for metric in METRICS if metric != "accuracy"]
    rows = []
    for model in (models[name] for name, _ in ranked(summary) if name in models):
        loss = f"{model.test_loss:.3f}" if model.test_loss is not None else NONE
        rows.append([code(model.name), *(score(model.scores[m], m) for m in others), loss])
    body = table(["model", *(METRICS[metric] for metric in others), "log loss"], rows, "lrrrr")
    note = (
        "On the same test images, mean over the seeds. Balanced accuracy and F1 count every class alike, "
        "however many images it has; AUC: how often an image of a class gets a higher probability of it "
        "than one of another class (0.5: as by chance, 1: always); log loss: lower is better, of all models "
        "as they were trained, without the temperature that the saved one has."
    )
    return folded("Balanced accuracy, F1, AUC and loss of each model", join([body, note]))


def _compared(found: Comparison | None, digits: int) -> tuple[str, str]:
    if found is None:
        return NONE, NONE
    apart = f" {unbroken(f'({interval(found.interval, digits)})')}" if found.interval else ""
    return f"{points(found.difference, digits, sign=True)}{apart}", found.told


def _size(model: Model | None) -> tuple[str, str, str, str]:
    if model is None:
        return NONE, NONE, NONE, NONE
    return (
        rounded(model.parameters) if model.parameters else NONE,
        unbroken(brief(model.seconds)) if model.seconds is not None else NONE,
        milliseconds(model.latency_ms) if model.latency_ms is not None else NONE,
        points(model.gap, sign=True) if model.gap is not None else NONE,
    )


def _size_together(final: Final) -> tuple[str, str, str, str]:
    """Size of all seeds as one model, if that is what was saved and measured."""
    if final.shipped.seeds < 2:
        return NONE, NONE, NONE, NONE
    latency = final.shipped.latency_ms
    return rounded(final.shipped.parameters), NONE, NONE if latency is None else milliseconds(latency), NONE


def _reading(summary: RunSummary) -> str:
    assert summary.final is not None
    final = summary.final
    seeds = len(final.winner.test.per_seed) if final.winner.test else 0
    sentences = [
        "Accuracies in per cent, differences in percentage points, 95 % intervals in parentheses. Each "
        "figure is rounded by itself, so a difference may be off by one in its last digit.",
        f"The search maximised {METRICS[summary.metric]}, whose column has no intervals."
        if summary.metric != "accuracy"
        else "",
        _seeds(final),
        "A difference is judged image by image on the same test images. The verdicts allow for the number of "
        f"comparisons: with {len(final.comparisons)} of them one would look real by chance sooner than with "
        "one (Holm's method), so an interval that just misses 0 may still be *not distinguishable*."
        if sum(found.interval is not None for found in final.comparisons) > 1
        else "",
        f"*{NO_VERDICT}*: from one seed, or few groups of test images, nobody can say what may be chance."
        if any(found.told == NO_VERDICT for found in final.comparisons)
        else "",
        "*training*: the time of one. *ms an image*: to predict one image at a time, on one thread. "
        "*overfit*: training accuracy (with its augmentation) minus test accuracy.",
        _losses(final),
        f"*{ENSEMBLE}* averages the probabilities of the {seeds} trained models; its interval leaves out the "
        f"noise of the seed. {_saved(summary)}"
        if final.ensemble
        else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def _losses(final: Final) -> str:
    """A sentence where the winner is ahead in accuracy but not in log loss, nor is what is saved of it."""
    won = final.winner
    if won.test is None or won.test_loss is None:
        return ""
    least = min(won.test_loss, final.calibration.loss if final.calibration else won.test_loss)
    names = [
        code(other.name)
        for other in final.distinct[1:]
        if other.test is not None and other.test.mean < won.test.mean
        if other.test_loss is not None and other.test_loss < least
    ]
    if not names:
        return ""
    has = "has" if len(names) == 1 else "have"
    return (
        f"{listed(names)} {has} the lower log loss: fewer answers right, but probabilities nearer to the "
        "truth; the search looked at accuracy alone."
    )


def _seeds(final: Final) -> str:
    """How many times the neural models were trained, where there is one number, else each."""
    counts = {m.name: len(m.test.per_seed) for m in final.distinct if m.neural and m.test is not None}
    seeds = next(iter(counts.values()))
    if set(counts.values()) == {seeds}:
        if seeds == 1:
            return "Each neural model was trained once, from a single seed."
        often = how_often(seeds)
        return f"Each neural model was trained {often} from different seeds, and its accuracy is the mean."
    each = listed([f"{code(name)} {plural(count, 'seed')}" for name, count in counts.items()])
    return f"An accuracy is the mean over the seeds from which a neural model was trained: {each}."


def _saved(summary: RunSummary) -> str:
    assert summary.final is not None
    if summary.final.shipped.seeds > 1:
        return "This is the model in `model/model.keras`."
    return "It is not saved: `model/model.keras` is the first seed's model alone."


def _sources(summary: RunSummary) -> str:
    assert summary.final is not None
    lines = [f"- {code(model.name)}: {_source(model)}" for model in summary.final.distinct if model.source]
    return join([_training(summary), "\n".join(lines)])


def _training(summary: RunSummary) -> str:
    """How long the baselines were trained, where that was not fixed before."""
    assert summary.final is not None
    neural = [model for model in summary.final.baselines if model.neural and model.name != "default"]
    if neural and summary.config.get("faithful_baselines"):
        return "The neural baselines were trained for as many epochs as their recipes were published with."
    trained = [model for model in neural if model.early_stopping]
    if not trained:
        return ""
    return (
        "The neural baselines were trained on the fresh folds for at most "
        f"{plural(summary.epochs, 'epoch')} and stopped where they no longer got better, then on all "
        "training images for the median of those epochs "
        f"({listed([f'{code(m.name)} {m.epochs}' for m in trained])}); `--faithful-baselines` gives them the "
        "lengths of their recipes."
    )


def _source(model: Model) -> str:
    """Where a recipe comes from, what was reported for it, and what differs here."""
    parts = [
        escape(model.source),
        f"published: {escape(model.published)}" if model.published else "",
        f"here: {escape(model.changes)}" if model.changes else "",
    ]
    return ". ".join(part[:1].upper() + part[1:] if i else part for i, part in enumerate(filter(None, parts)))
