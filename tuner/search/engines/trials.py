"""One trial of the study: what is written of it, and how it is read and drawn."""

from typing import TYPE_CHECKING, Any

from search_spaces.space import Categorical, Float, Int, Parameter, ParamValue, SearchSpace
from tuner.records import Outcome, PastTrial, TrialResult

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

FAILED = "failed: "
"""Starts the reason of a trial that failed. It is recorded as pruned, so that the sampler avoids what
failed: TPE ignores failed trials, and goes on proposing the same region."""

_OUTCOMES: dict[str, Outcome] = {"COMPLETE": "complete", "PRUNED": "pruned"}


def key(number: int) -> str:
    """The name of a trial's files."""
    return f"trial-{number}"


def facts(
    result: TrialResult, outcome: Outcome, where: tuple[int, str], before: dict[str, Any]
) -> dict[str, Any]:
    """The record of a trial's result, its costs added to those before a pause."""
    sums: dict[str, Any] = before.get("sums", {})  # by epoch: a crash may come before "paused" says which
    earlier = sums.get(str(before.get("paused")), {})
    facts: dict[str, Any] = {
        "seconds": earlier.get("seconds", 0.0) + result.seconds,
        "starting": earlier.get("starting", 0.0) + result.starting,
        "worker": where[0],
        "device": where[1],
        "epochs": earlier.get("epochs", 0) + len(result.epochs),
        "images": earlier.get("images", 0) + sum(report.images for report in result.epochs),
        "parameters": result.parameters or before.get("parameters", 0),
        "reason": FAILED + result.reason if outcome == "failed" else result.reason,
        "message": result.message,
    }
    # By where it went on from: one that a crash had done again stands for both.
    stint = [before.get("began", 0.0), result.seconds, *where]
    facts["stints"] = {**before.get("stints", {}), str(before.get("paused", 0)): stint}
    if result.latency_ms is not None:
        facts["latency_ms"] = result.latency_ms
    if outcome != "paused":
        return facts
    epoch = result.epochs[-1].epoch
    now = {name: facts[name] for name in ("seconds", "starting", "epochs", "images")}
    # "paused" last: with it the trial counts as paused after a crash, and the other facts are there then.
    return {**facts, "sums": {**sums, str(epoch): now}, "paused": epoch}


def failed(trial: "FrozenTrial") -> bool:
    """Whether a trial of the study has failed."""
    return trial.state.name == "FAIL" or str(trial.user_attrs.get("reason", "")).startswith(FAILED)


def past(trial: "FrozenTrial", space: SearchSpace) -> PastTrial:
    """A trial of the study that has ended, or waits, as a plain record."""
    facts = trial.user_attrs
    outcome: Outcome = "failed" if failed(trial) else _OUTCOMES.get(trial.state.name, "paused")
    scores = dict(sorted(trial.intermediate_values.items()))
    last = scores[max(scores)] if scores else None
    return PastTrial(
        number=trial.number,
        outcome=outcome,
        score=trial.value if outcome == "complete" else last,
        params=space.complete(facts.get("params", trial.params)),
        scores=scores,
        epochs=int(facts.get("epochs", 0)),
        images=int(facts.get("images", 0)),
        seconds=float(facts.get("seconds", 0.0)),
        starting=float(facts.get("starting", 0.0)),
        parameters=int(facts.get("parameters", 0)),
        latency_ms=facts.get("latency_ms"),
        excess=sum(each for each in trial.constraints.values() if each > 0),
    )


def suggest(trial: "optuna.Trial", name: str, parameter: Parameter) -> ParamValue:
    """Draws one parameter, or takes the value that was put into the study for it."""
    if isinstance(parameter, Categorical):
        choice = trial.suggest_categorical(name, parameter.choices)
        assert choice is not None
        return choice
    if isinstance(parameter, Int):  # of a logarithmic range the sampler keeps the step: Optuna has none there
        step = 1 if parameter.log else parameter.step
        return trial.suggest_int(name, parameter.low, parameter.high, step=step, log=parameter.log)
    assert isinstance(parameter, Float)
    return trial.suggest_float(name, parameter.low, parameter.high, step=parameter.step, log=parameter.log)
