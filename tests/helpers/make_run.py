"""Builds run directories with synthetic results in the real file formats, in a second or so."""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ASL = tuple(letter for letter in "ABCDEFGHIKLMNOPQRSTUVWXY")
NASTY = (
    "a|b",
    "<b>bold</b>",
    "*star*_under_",
    "`tick`",
    "$x_1$",
    "[link](http://x)",
    "猫 cat",
    "# head",
    "x" * 60,
)
MODELS = ("tuned", "default", "course-cnn", "dense-512", "logistic", "majority")
LEVELS = {"tuned": 1.05, "default": 0.8, "course-cnn": 0.55, "dense-512": 0.2, "logistic": 0.0}


@dataclass(frozen=True)
class Plan:
    """A kind of run directory."""

    name: str = "asl"
    classes: tuple[str, ...] = ASL
    images: int = 1866
    groups: int = 88
    shape: tuple[int, int, int] = (28, 28, 1)
    noun: str = "photographs"
    seeds: int = 5
    trials: int = 50
    failed: int = 0
    complete: int | None = None
    epochs: int = 20
    leaked: int = 0
    absent: int | None = None
    perfect: bool = False
    finished: bool = True
    level: float = 0.0
    baselines: bool = True
    winner: int | None = None
    single: bool = False
    metric: str = "accuracy"


VARIANTS = {
    "asl": Plan(),
    "binary": Plan(
        "cats-dogs",
        ("cats", "dogs"),
        400,
        400,
        (32, 32, 3),
        "images",
        seeds=3,
        trials=12,
        level=0.8,
        single=True,
    ),
    "mnist": Plan("mnist", tuple("0123456789"), 10_000, 10_000, noun="images", seeds=3, trials=20, level=1.6),
    "interrupted": Plan(trials=9, finished=False),
    "failed": Plan(trials=20, failed=6),
    "nasty": Plan("nasty|<name>", NASTY, 300, 60, trials=10, seeds=2, leaked=12),
    "absent": Plan("absent", ("cat", "dog", "cow"), 120, 30, seeds=2, trials=6, absent=2, noun="images"),
    "perfect": Plan("perfect", tuple("ABCD"), 200, 40, seeds=2, trials=6, perfect=True, noun="images"),
    "few-groups": Plan("few", tuple("ABC"), 90, 6, seeds=2, trials=6),
    "one-trial": Plan("one", tuple("ABC"), 120, 60, seeds=1, trials=1, complete=1, noun="images", winner=0),
    "only-failures": Plan("broken", tuple("ABC"), 60, 30, trials=3, failed=3, complete=0, finished=False),
    "many": Plan(
        "many",
        tuple(f"a long class name {i}" for i in range(40)),
        1200,
        1200,
        seeds=2,
        trials=12,
        noun="images",
    ),
    "alone": Plan("alone", tuple("ABC"), 120, 60, seeds=2, trials=4, baselines=False, noun="images"),
}


def make_run(directory: Path, variant: str = "asl", **changes: Any) -> Path:
    """Writes a run directory and returns it.

    Args:
        directory: the new run directory.
        variant: a key of `VARIANTS`.
        changes: fields of `Plan` that differ from the variant's.
    """
    plan = replace(VARIANTS[variant], **changes)
    rng = np.random.default_rng(len(plan.name) + plan.trials)
    directory.mkdir(parents=True)
    _write(directory / "run.json", _run_json(plan))
    best = _journal(directory / "study.journal", plan, rng)
    _write(directory / "audit.json", _audit(plan))
    if plan.finished:
        labels, groups, leaked = _test_split(plan, rng)
        arrays, final = _final(plan, best if plan.winner is None else plan.winner, labels, groups, rng)
        arrays.update({"test_labels": labels, "test_groups": groups, "test_leaked": leaked})
        np.savez_compressed(directory / "predictions.npz", **arrays)
        _write(directory / "final.json", final)
        _write(directory / "histories.json", _histories(plan, final, rng))
        _images(directory / "images.npz", plan, labels, arrays["test/tuned/0"], rng)
    return directory


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1))


def _run_json(plan: Plan) -> dict[str, Any]:
    done = plan.finished
    return {
        "schema_version": 1,
        "version": "0.1.0",
        "name": plan.name,
        "created": "2026-03-04T10:11:12",
        "command": f"tune {plan.name} --trials {plan.trials}",
        "config": {
            "trials": plan.trials,
            "epochs": plan.epochs,
            "engine": "optuna",
            "algorithm": "tpe",
            "pruner": "asha",
            "space": "cnn",
            "set": [],
            "seed": 0,
            "metric": plan.metric,
            "budget": None,
            "workers": 2,
        },
        "dataset": {
            "name": plan.name,
            "fingerprint": "0123456789abcdef",
            "image_shape": list(plan.shape),
            "class_names": list(plan.classes),
            "n_train": 5306,
            "n_validation": 1061,
            "n_test": plan.images,
            "noun": plan.noun,
            "groups": {"train": 196, "validation": 49, "test": plan.groups},
            "duplicate_groups": {"train": 198, "test": plan.groups},
            "leaked_test_images": plan.leaked,
        },
        "space": {"name": "cnn", "parameters": PARAMETERS},
        "environment": {
            "python": "3.11.7",
            "platform": "Linux-6.1-x86_64",
            "backend": "tensorflow",
            "precision": "float32",
            "versions": {"keras": "3.15.1", "optuna": "5.0.0", "tensorflow": "2.21.0"},
            "devices": [
                {"name": "cpu:0", "kind": "cpu", "description": "AMD EPYC"},
                {"name": "cpu:1", "kind": "cpu", "description": "AMD EPYC"},
            ],
            "workers": 2,
        },
        "plan": {
            "epochs": plan.epochs,
            "notes": ["The batch size is 64, as there are 5,306 training images."],
        },
        "seconds": {"setup": 8.2, "search": 540.0}
        | ({"finalists": 120.0, "retraining": 260.0, "report": 6.0} if done else {}),
        "search": {
            "seconds": 540.0,
            "epochs_trained": 412,
            "images_trained": 412 * 4245,
            "images_per_second": 3238.8,
            "stopped_by": "trials" if done else "interrupt",
        },
        "state": "done" if done else "interrupted",
    }


def _parameter(name: str, kind: str, **more: Any) -> dict[str, Any]:
    base = {"low": None, "high": None, "log": False, "step": None, "choices": None, "searched": True}
    return {"name": name, "type": kind, **base, **more}


PARAMETERS = [
    _parameter(
        "learning_rate", "float", low=1e-3, high=1.5e-2, log=True, default=3e-3, summary="peak learning rate"
    ),
    _parameter(
        "augmentation", "float", low=0.0, high=1.6, default=1.0, summary="strength of augmentation, one dial"
    ),
    _parameter(
        "filters", "int", low=16, high=64, log=True, step=8, default=32, summary="filters of the first block"
    ),
    _parameter("dropout", "float", low=0.0, high=0.5, default=0.3, summary="dropout before the last layer"),
    _parameter(
        "head", "categorical", choices=["dense", "pool"], default="dense", summary="what follows the blocks"
    ),
    _parameter(
        "batch_norm", "categorical", choices=[True, False], default=True, searched=False, summary="batch norm"
    ),
]


def _score(params: dict[str, Any]) -> float:
    rate = (math.log10(params["learning_rate"]) + 2.4) ** 2
    return float(
        0.9 - 0.3 * rate - 0.12 * (params["augmentation"] - 0.9) ** 2 + 0.0005 * (params["filters"] - 32)
    )


def _states(plan: Plan, rng: np.random.Generator) -> list[str]:
    complete = plan.complete if plan.complete is not None else max(1, round(0.38 * plan.trials))
    rest = ["failed"] * plan.failed + ["pruned"] * max(0, plan.trials - plan.failed - complete)
    states = ["complete"] * (plan.trials - len(rest)) + rest
    later = list(rng.permutation(np.array(states[1:], dtype=object)))
    return [states[0], *later]


def _journal(path: Path, plan: Plan, rng: np.random.Generator) -> int:
    """Writes the study and returns the number of its best complete trial, or 0."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    backend = JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path)))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=JournalStorage(backend), study_name="study", direction="maximize")
    clock, best = [0.0, 0.3], (0, -1.0)
    for number, state in enumerate(_states(plan, rng)):
        trial, score, seconds = _trial(plan, rng, number, state, clock)
        clock[number % 2] += seconds
        study.add_trial(trial)
        if state == "complete" and score > best[1]:
            best = (number, score)
    if not plan.finished and plan.complete is None:
        study.enqueue_trial({"learning_rate": 0.002}, user_attrs={"began": clock[0]})
    return best[0]


def _trial(plan: Plan, rng: np.random.Generator, number: int, state: str, clock: list[float]) -> Any:
    import optuna

    spaces: dict[str, Any] = {
        "learning_rate": optuna.distributions.FloatDistribution(1e-3, 1.5e-2, log=True),
        "augmentation": optuna.distributions.FloatDistribution(0.0, 1.6),
        "filters": optuna.distributions.IntDistribution(16, 64, log=True),
        "dropout": optuna.distributions.FloatDistribution(0.0, 0.5),
        "head": optuna.distributions.CategoricalDistribution(["dense", "pool"]),
    }
    params: dict[str, Any] = {p["name"]: p["default"] for p in PARAMETERS if p["searched"]}
    if number:
        params = {
            "learning_rate": float(10 ** rng.uniform(-3, -1.83)),
            "augmentation": float(rng.uniform(0, 1.6)),
            "filters": int(rng.integers(16, 65)),
            "dropout": float(rng.uniform(0, 0.5)),
            "head": str(rng.choice(["dense", "pool"])),
        }
    epochs = {"complete": plan.epochs, "pruned": int(rng.choice([2, 6])), "failed": int(rng.integers(0, 2))}[
        state
    ]
    worse = 0.12 * (state == "pruned") + 0.06 * (number == 0)
    level = min(0.999, _score(params) + 0.02 * rng.standard_normal() - worse)
    curve = {
        e: float(level * (1 - 0.7 * math.exp(-e / 3)) + 0.01 * rng.standard_normal())
        for e in range(1, epochs + 1)
    }
    seconds = 0.5 + 1.1 * max(epochs, 0.3)
    attrs = {
        "params": {**params, "batch_norm": True},
        "stints": {"0": [clock[number % 2], seconds, number % 2, "cpu"]},
        "seconds": seconds,
        "device": "cpu",
        "epochs": epochs,
        "parameters": round(2_000 + 60 * params["filters"] ** 2 * (2 if params["head"] == "dense" else 1)),
    }
    if state == "failed":
        attrs |= {"reason": "failed: nan", "message": "the loss became NaN in step 12 | rate too high"}
    told = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL" if number % 3 == 0 else "PRUNED"}[
        state
    ]
    score = curve.get(epochs, 0.0)
    trial = optuna.trial.create_trial(
        state=optuna.trial.TrialState[told],
        params=params,
        distributions=spaces,
        value=score if state == "complete" else None,
        intermediate_values=curve,
        user_attrs=attrs,
    )
    return trial, score, seconds


def _test_split(plan: Plan, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    present = [i for i in range(len(plan.classes)) if i != plan.absent]
    share = rng.dirichlet(np.full(plan.groups, 8.0)) if plan.groups < plan.images else np.zeros(plan.groups)
    sizes = 1 + np.floor(share * (plan.images - plan.groups)).astype(int)
    sizes[0] += plan.images - sizes.sum()
    groups = np.repeat(np.arange(plan.groups), sizes).astype(np.int32)
    labels = np.array(present, dtype=np.int32)[np.arange(plan.groups) % len(present)][groups]
    order = rng.permutation(plan.images)
    leaked = np.isin(groups, groups[np.arange(plan.leaked)]) & (
        np.cumsum(np.ones(plan.images)) <= plan.leaked
    )
    return labels[order], groups[order] + 300, leaked[order]


def _probabilities(
    plan: Plan, name: str, labels: NDArray[Any], hard: NDArray[Any], rng: np.random.Generator
) -> NDArray[np.float32]:
    n, classes = len(labels), len(plan.classes)
    if name == "majority":
        return np.tile(np.eye(1, classes, dtype=np.float32) * 0.5 + 0.5 / classes, (n, 1))
    logits = rng.standard_normal((n, classes))
    margin = np.where(hard > 0, 7.0, -0.8) if not plan.perfect else np.full(n, 12.0)
    logits[np.arange(n), labels] += margin
    logits[np.arange(n), (labels + 1) % classes] += 2.0 if not plan.perfect else 0.0
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


def _final(
    plan: Plan, best: int, labels: NDArray[Any], groups: NDArray[Any], rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Any]]:
    arrays: dict[str, Any] = {}
    shared = rng.standard_normal(groups.max() + 1)
    names = [name for name in MODELS if plan.baselines or name == "tuned"]
    for name in names:
        neural = name not in {"logistic", "majority"}
        own = 0.97 * shared + 0.25 * rng.standard_normal(len(shared))
        for seed in range(plan.seeds if neural else 1):
            noise = own[groups] + 0.1 * rng.standard_normal() + 0.3 * rng.standard_normal(len(labels))
            hard = noise + LEVELS.get(name, 0.0) + plan.level
            arrays[f"test/{name}/{seed}"] = _probabilities(plan, name, labels, hard, rng)
    if best == 0 and "default" in names:  # the same configuration and seeds, so the same model
        arrays |= {key.replace("tuned", "default"): arrays[key] for key in list(arrays) if "/tuned/" in key}
    entries = [_entry(plan, name, labels, arrays, rng) for name in names]
    folds = entries[0]["validation"]["accuracy_per_fold"]
    others = [{"trial": t, "search_score": 0.89, "folds": [0.82, 0.84, 0.80], "mean": 0.82} for t in (3, 4)]
    first = {"trial": best, "search_score": 0.92, "folds": folds, "mean": float(np.mean(folds))}
    final = {
        "best_trial": best,
        "finalists": [first, *others][: 3 if plan.trials > 3 else 1],
        "models": entries,
        "shipped": _shipped(plan, entries[0]),
        "doubtful_labels": _doubtful(plan),
        "cut": ["Baselines had 3 seeds in place of 5."] if plan.failed else [],
        "test_readings": 1,
        "seconds": {"finalists": 120.0, "retraining": 260.0},
    }
    return arrays, final


def _doubtful(plan: Plan) -> dict[str, Any]:
    item = {
        "image": 12,
        "name": "hands/<a>_12.png",
        "label": plan.classes[0],
        "predicted": plan.classes[1],
        "probability": 0.98,
        "given": 0.01,
    }
    return {
        "looked_at": 3183,
        "of": 5306,
        "found": int(plan.failed > 0),
        "items": [item] if plan.failed else [],
    }


def _shipped(plan: Plan, winner: dict[str, Any]) -> dict[str, Any]:
    """All seeds as one model, or the first alone."""
    seeds = 1 if plan.single else plan.seeds
    return {
        "seeds": seeds,
        "parameters": seeds * winner["parameters"],
        "latency_ms": seeds * winner["latency_ms"],
        **({"temperature": 0.8} if plan.name == "asl" else {}),  # earlier versions have none
    }


def _entry(
    plan: Plan, name: str, labels: NDArray[Any], arrays: dict[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    neural = name not in {"logistic", "majority"}
    rows = [arrays[key] for key in arrays if key.startswith(f"test/{name}/")]
    losses = [float(-np.log(np.clip(r[np.arange(len(labels)), labels], 1e-7, 1)).mean()) for r in rows]
    seeds = [
        {
            "seed": 100 + i,
            "seconds": 21.0 if neural else 1.0,
            "test_loss": loss,
            "train_accuracy": 0.97 - 0.002 * i,
        }
        for i, loss in enumerate(losses)
    ]
    mean = float(np.mean([(r.argmax(axis=1) == labels).mean() for r in rows]))
    folds = [float(np.clip(mean + 0.03 * rng.standard_normal(), 0, 1)) for _ in range(3)]
    return {
        "name": name,
        "kind": "winner" if name == "tuned" else "baseline",
        "source": {"tuned": "the best trial of the search"}.get(name, f"where {name} comes from"),
        "published": "0.948 | <i>on</i> ASL after 20 epochs" if name == "course-cnn" else "",
        "changes": "pixels are rescaled inside the model" if name == "course-cnn" else "",
        "neural": neural,
        "params": {
            "learning_rate": 0.0041,
            "augmentation": 0.93,
            "filters": 40,
            "dropout": 0.2,
            "head": "dense",
        },
        "epochs": plan.epochs if neural else 0,
        "parameters": {"tuned": 214_000, "default": 150_234, "logistic": 18_840}.get(
            name, 1_000_000 if neural else 0
        ),
        "latency_ms": {"tuned": 0.41, "default": 0.36, "course-cnn": 0.9, "dense-512": 0.12}.get(name, 0.01),
        "seconds": 21.0 if neural else 1.0,
        "validation": {"accuracy_per_fold": folds, "mean": float(np.mean(folds))},
        "seeds": seeds,
        "summary": "Model: cnn\n conv2d (28, 28, 40)\n dense (24)\n" if name == "tuned" else "",
    }


def _histories(plan: Plan, final: dict[str, Any], rng: np.random.Generator) -> list[dict[str, Any]]:
    rows = []
    for entry in final["models"]:
        if not entry["neural"]:
            continue
        for fold, end in enumerate(entry["validation"]["accuracy_per_fold"]):
            purpose = "finalist" if entry["name"] == "tuned" else "baseline"
            trial = final["best_trial"] if entry["name"] == "tuned" else None
            rows.append(_history(plan, entry["name"], purpose, trial, fold, end, rng))
        rows.extend(
            _history(plan, entry["name"], "retrain", None, seed, None, rng)
            for seed in range(len(entry["seeds"]))
        )
    return rows


def _history(
    plan: Plan,
    name: str,
    purpose: str,
    trial: int | None,
    fold: int,
    end: float | None,
    rng: np.random.Generator,
) -> dict[str, Any]:
    length = plan.epochs if name == "tuned" else max(2, plan.epochs - int(rng.integers(0, 6)))
    epochs = []
    for epoch in range(1, length + 1):
        grown = 1 - 0.8 * math.exp(-epoch / 3)
        held = None if end is None else float(np.clip(end * grown + 0.01 * rng.standard_normal(), 0, 1))
        epochs.append(
            {
                "epoch": epoch,
                "loss": 2 * math.exp(-epoch / 4) + 0.5,
                "accuracy": 0.97 * grown,
                "val_loss": None if end is None else 2 * math.exp(-epoch / 4) + 0.8,
                "val_accuracy": held,
                "score": held,
                "images": 4245,
                "seconds": 1.0,
                "learning_rate": 3e-3,
            }
        )
    retrain = purpose == "retrain"
    return {
        "model": name,
        "purpose": purpose,
        "trial": trial,
        "seed": fold,
        "split": None if retrain else f"fresh-{fold}",
        "fold": 0,
        "epochs": epochs,
    }


def _images(
    path: Path, plan: Plan, labels: NDArray[Any], saved: NDArray[Any], rng: np.random.Generator
) -> None:
    wrong = np.flatnonzero(saved.argmax(axis=1) != labels)
    worst = wrong[np.argsort(-saved[wrong].max(axis=1), kind="stable")][:60]
    random = rng.permutation(len(labels))[:16]
    indices = np.array(list(dict.fromkeys([*random.tolist(), *worst.tolist()])), dtype=np.int64)
    h, w, c = plan.shape
    y, x = np.mgrid[0:h, 0:w]
    pictures = []
    for label in labels[indices]:
        angle, phase = np.pi * label / len(plan.classes), rng.uniform(0, 6)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * (0.3 + 0.02 * label) + phase)
        picture = 127 + 90 * wave[..., None] * np.ones(c) + 20 * rng.standard_normal((h, w, c))
        pictures.append(np.clip(picture, 0, 255))
    images = np.array(pictures).astype(np.uint8)
    centres = rng.uniform(0, 7, (12, 2))
    away = ((np.indices((7, 7))[None] - centres[:, :, None, None]) ** 2).sum(axis=1)
    sure = saved.max(axis=1)[indices[-12:]]
    drops = sure[:, None, None] * np.exp(-away / 4) * rng.uniform(0, 1, (12, 1, 1)) - 0.02
    looked = {"looked_at": indices[-12:], "drops": drops[: len(indices)].astype(np.float32)}
    np.savez_compressed(
        path, indices=indices, images=images, doubtful=images[: int(plan.failed > 0)], **looked
    )


def _audit(plan: Plan) -> dict[str, Any]:
    grouped = plan.groups < plan.images
    return {
        "images": {"train": 5306, "test": plan.images, "shape": list(plan.shape), "original_sizes": None},
        "classes": [{"name": name, "train": 221} for name in plan.classes],
        "imbalance": 1.0,
        "values": {"min": 0, "max": 255, "mean": 141.2},
        "duplicates": {
            "threshold": 0.95,
            "rule": "Images that correlate above 0.95 are near-copies, as most have a neighbour above 0.99.",
            "groups": {"train": 245, "test": plan.groups},
            "largest_group": 41 if grouped else 1,
            "images_with_copy": {"train": 5300, "test": 1860 if grouped else 0},
            "exact": {"train": 4, "test": 0},
            "leaked_test_images": list(range(plan.leaked)),
            "examples": [{"a": ["train", 3], "b": ["train", 9], "correlation": 0.991}],
        },
        "constant_images": {"train": [7], "test": []},
        "corrupt": ["img/3.png: truncated"] if plan.failed else [],
        "label_conflicts": [[3, 9]] if plan.failed else [],
        "notes": ["Images were read as grey."],
    }
