"""Reports of all kinds of run, read as their user would."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reports
from reports import markdown
from reports.as_json import as_json
from reports.facts.curves import read_curves
from reports.facts.final import Final
from reports.facts.summary import RunSummary
from reports.figures import FIGURES
from reports.tables import leaderboard, mistakes, trials
from reports.write import markdown as written
from tuner.cli.commands import headline
from tuner.ending.fine_tuning import not_tried
from tuner.errors import DataError, UsageError

Runs = Callable[[str], Path]

SCHEMA = {
    "dataset": "name fingerprint image_shape classes n_train n_validation n_test groups duplicate_groups "
    "leaked_test_images test_readings",
    "search": "engine algorithm pruner space seed trials seconds epochs_trained images_per_second stopped_by",
    "best": "trial params validation_accuracy validation_accuracy_per_fold",
    "final": "test_accuracy test_accuracy_unleaked ensemble_test_accuracy test_loss per_class "
    "calibration_error parameters epochs seconds latency_ms",
    "cost": "seconds device_seconds disk_bytes",
    "environment": "python platform backend versions devices",
}


@pytest.fixture(scope="session")
def summaries(runs: Runs) -> Callable[[str], RunSummary]:
    loaded: dict[str, RunSummary] = {}

    def load(variant: str) -> RunSummary:
        if variant not in loaded:
            loaded[variant] = RunSummary.load(runs(variant))
        return loaded[variant]

    return load


def report_text(summary: RunSummary) -> str:
    """The report with ordinary spaces before per cent signs."""
    return written(summary).replace("\u00a0%", " %")


def final_of(summary: RunSummary) -> Final:
    assert summary.final is not None
    return summary.final


def test_every_kind_of_run_gives_a_whole_report(
    variants: list[str], summaries: Callable[[str], RunSummary]
) -> None:
    for variant in variants:
        summary = summaries(variant)
        text = report_text(summary)
        assert text.startswith("# ")
        assert "<summary>The data</summary>" in text
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL).replace("  \n", "\n")
        told = prose.replace("| nan |", "|").replace("became NaN", "failed").replace("> ", "")
        for wrong in ("None", "nan", "NaN", "  ", "{", "np.", "..", " ,", "( "):
            assert wrong not in told, f"{wrong!r} in the report of {variant}"
        many = re.search(
            r"\b1 (trials|images|epochs|classes|groups|seeds|times|pairs|labels|training images)\b", told
        )
        assert many is None, f"{many} in the report of {variant}"
        json.dumps(as_json(summary), allow_nan=False)
        assert leaderboard(summary).startswith("model,kind,test_accuracy")


def test_the_schema(summaries: Callable[[str], RunSummary]) -> None:
    facts = as_json(summaries("asl"))
    assert facts["schema_version"] == 1
    for block, keys in SCHEMA.items():
        assert set(keys.split()) <= set(facts[block]), block
    assert set(facts["search"]["trials"]) >= {"complete", "pruned", "failed"}
    assert set(facts["final"]["test_accuracy"]) == {"mean", "std", "ci95", "per_seed"}
    assert {"name", "source", "test_accuracy", "parameters", "epochs", "seconds"} <= set(
        facts["baselines"][0]
    )
    assert {"baseline", "difference", "ci95", "verdict"} == set(facts["comparison"][0])
    assert {"param", "importance"} <= set(facts["importance"][0])
    assert facts["command"] == "tune asl --trials 50"
    assert "default" in [model["name"] for model in facts["baselines"]]


def test_the_main_numbers_with_scikit_learn(runs: Runs, summaries: Callable[[str], RunSummary]) -> None:
    from sklearn.metrics import (
        accuracy_score,
        balanced_accuracy_score,
        confusion_matrix,
        f1_score,
        precision_recall_fscore_support,
    )

    facts, final = as_json(summaries("nasty")), final_of(summaries("nasty"))
    with np.load(runs("nasty") / "predictions.npz") as saved:
        labels, leaked = saved["test_labels"], saved["test_leaked"]
        rows = {
            m.name: [saved[k] for k in saved.files if k.startswith(f"test/{m.name}/")] for m in final.models
        }
    for model in [{"name": "tuned", **facts["final"]}, *facts["baselines"]]:
        scores = [accuracy_score(labels, row.argmax(axis=1)) for row in rows[model["name"]]]
        assert model["test_accuracy"]["per_seed"] == pytest.approx(scores)
        assert model["test_accuracy"]["mean"] == pytest.approx(np.mean(scores))
        for key, expected in (
            (
                "balanced_accuracy",
                [balanced_accuracy_score(labels, row.argmax(axis=1)) for row in rows[model["name"]]],
            ),
            ("f1_macro", [f1_score(labels, r.argmax(axis=1), average="macro") for r in rows[model["name"]]]),
            ("auc", [_one_against_the_rest(labels, row) for row in rows[model["name"]]]),
        ):
            assert model[key] == pytest.approx(np.mean(expected)), (model["name"], key)
        kept = [accuracy_score(labels[~leaked], row.argmax(axis=1)[~leaked]) for row in rows[model["name"]]]
        assert model["test_accuracy_unleaked"] == pytest.approx(np.mean(kept))
    said, true = (
        np.concatenate([r.argmax(axis=1) for r in rows["tuned"]]),
        np.tile(labels, len(rows["tuned"])),
    )
    precision, recall, f1, _ = precision_recall_fscore_support(true, said)
    for column, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert [row[column] for row in facts["final"]["per_class"]] == pytest.approx(list(expected))
    assert facts["final"]["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, said))
    assert final.confusion == pytest.approx(confusion_matrix(true, said) / len(rows["tuned"]))
    together = np.mean(rows["tuned"], axis=0).argmax(axis=1)
    assert facts["final"]["ensemble_test_accuracy"] == pytest.approx(accuracy_score(labels, together))
    for item in facts["comparison"]:
        other = np.mean([accuracy_score(labels, row.argmax(axis=1)) for row in rows[item["baseline"]]])
        assert item["difference"] == pytest.approx(facts["final"]["test_accuracy"]["mean"] - other)


def _one_against_the_rest(labels: Any, row: Any) -> float:
    """Macro AUC of scikit-learn's own making; its check of the sums asks for more digits than float32 has."""
    from sklearn.metrics import roc_auc_score

    exact = row.astype(float)
    exact /= exact.sum(axis=1, keepdims=True)
    if exact.shape[1] == 2:
        return float(roc_auc_score(labels, exact[:, 1]))
    return float(roc_auc_score(labels, exact, multi_class="ovr", average="macro"))


def test_a_search_for_another_metric_is_reported_by_it(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    summary = RunSummary.load(make_run(tmp_path / "run", "asl", metric="auc"))
    facts, text = as_json(summary), report_text(summary)
    answer = text.split("\n\n")[1]
    assert (
        f"The search maximised AUC: on the test images that of the tuned CNN is {facts['final']['auc']:.3f}"
        in answer
    )
    assert "| model | test accuracy | AUC |" in text
    row = next(line for line in text.splitlines() if line.startswith("| `course-cnn`"))
    assert f" | {facts['baselines'][1]['auc']:.3f} | " in row
    best = summary.search.best
    assert best is not None
    assert f"| {best.score:.3f} | {best.parameters:,} |" in text.replace("**", "")
    plain = report_text(RunSummary.load(make_run(tmp_path / "plain", "alone")))
    assert "The search maximised" not in plain
    assert "AUC and loss of each model" in plain


def test_the_answer_is_made_of_the_numbers_in_the_json(summaries: Callable[[str], RunSummary]) -> None:
    facts, text = as_json(summaries("asl")), report_text(summaries("asl"))
    answer = text.split("\n\n")[1]
    accuracy = facts["final"]["test_accuracy"]
    together, low_high = facts["final"]["ensemble_test_accuracy"], facts["final"]["ensemble_ci95"]
    assert f"reads {100 * together:.0f} % of unseen photographs" in answer
    assert f"95 % interval {100 * low_high[0]:.0f} to {100 * low_high[1]:.0f}" in answer
    alone = f"({100 * accuracy['ci95'][0]:.0f} to {100 * accuracy['ci95'][1]:.0f})"
    assert f"One seed alone reads {100 * accuracy['mean']:.0f} % on average {alone}" in answer
    rivals = [m for m in facts["baselines"] if m["name"] != "default"]
    best = max(rivals, key=lambda model: model["test_accuracy"]["mean"])
    item = next(c for c in facts["comparison"] if c["baseline"] == best["name"])
    assert f"{100 * item['difference']:.0f} points more than the best baseline, `{best['name']}`" in answer
    assert (
        f"difference {100 * item['ci95'][0]:.0f} to {100 * item['ci95'][1]:.0f}: {item['verdict']}" in answer
    )
    assert f"{5 * facts['final']['parameters']:,} parameters" in answer
    trials = facts["search"]["trials"]
    assert f"50 trials, {trials['pruned']} stopped early, none failed" in answer
    for model in [*facts["baselines"], {"name": "tuned", **facts["final"]}]:
        starts = (f"| `{model['name']}`", f"| **`{model['name']}`**")
        row = next(line for line in text.splitlines() if line.startswith(starts)).replace("\u00a0", " ")
        assert f"{100 * model['test_accuracy']['mean']:.1f} %" in row
        low, high = model["test_accuracy"]["ci95"]
        assert f"({100 * low:.1f} to {100 * high:.1f})" in row


def test_two_identical_runs_differ_in_times_only(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    found: list[Any] = []
    for name in ("one", "two"):
        path = make_run(tmp_path / name, "failed")
        run = json.loads((path / "run.json").read_text())
        run["seconds"]["search"] += len(found)
        run["search"]["seconds"] += len(found)
        (path / "run.json").write_text(json.dumps(run))
        found.append(without_times(as_json(RunSummary.load(path))))
    assert found[0] == found[1]


def without_times(facts: Any) -> Any:
    if isinstance(facts, dict):
        times = {"seconds", "latency_ms", "images_per_second", "cost", "environment"}
        return {key: without_times(entry) for key, entry in facts.items() if key not in times}
    if isinstance(facts, list):
        return [without_times(entry) for entry in facts]
    return facts


def test_an_interrupted_run_says_what_is_missing(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("interrupted")), as_json(summaries("interrupted"))
    assert "This run was interrupted." in text
    assert "The search found" not in text
    assert "The winner has not been retrained" in text
    assert "best of the trials so far" in text
    assert "9 trials, 6 stopped early, none failed, 1 unfinished" in text
    assert facts["final"] is None
    assert facts["best"]["validation_accuracy"] is None
    assert facts["best"]["search_score"] > 0.5
    assert facts["missing"]
    assert "Leaderboard" not in text
    assert "Use the model" not in text


def test_an_interrupted_run_says_how_many_trials_are_done(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    path = make_run(tmp_path / "run", "interrupted")
    run = json.loads((path / "run.json").read_text())
    run["config"]["trials"] = 40
    (path / "run.json").write_text(json.dumps(run))
    summary = RunSummary.load(path)
    assert "> 9 of the 40 trials are done." in report_text(summary)
    assert "9 of the 40 trials are done." in as_json(summary)["missing"]


def test_what_is_published_of_a_baseline_and_differs_here_is_told(
    summaries: Callable[[str], RunSummary],
) -> None:
    text = report_text(summaries("asl"))
    assert "Published: 0.948 \\| &lt;i&gt;on&lt;/i&gt; ASL after 20 epochs. Here: pixels are rescaled" in text


def test_a_run_without_a_complete_trial(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("only-failures")), as_json(summaries("only-failures"))
    assert "No trial is complete" in text
    assert facts["best"] is None
    assert [item["reason"] for item in facts["failures"]] == ["nan"] * 3


def test_failed_trials_are_told_from_pruned_ones(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("failed")), as_json(summaries("failed"))
    assert facts["search"]["trials"] == {"complete": 8, "pruned": 6, "failed": 6, "unfinished": 0}
    assert "6 trials of 20 failed" in text
    assert "the loss became NaN in step 12 \\| rate too high" in text
    assert "Baselines had 3 seeds in place of 5." in text


def test_names_are_no_formulas_in_a_spreadsheet(summaries: Callable[[str], RunSummary]) -> None:
    summary = summaries("nasty")
    names = ("=1+1", *summary.dataset.class_names[1:])
    renamed = replace(summary, dataset=replace(summary.dataset, class_names=names))
    cells = {cell for row in csv.reader(mistakes(renamed).splitlines()) for cell in row}
    assert "'=1+1" in cells
    assert "=1+1" not in cells


def test_names_with_markup_stay_names(summaries: Callable[[str], RunSummary]) -> None:
    from markdown_it import MarkdownIt

    summary = summaries("nasty")
    html = MarkdownIt("commonmark").enable("table").render(report_text(summary))
    rows = [re.findall(r"<td.*?>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]
    names = [
        name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for name in summary.dataset.class_names
    ]
    cells = [row[0] for row in rows if row]
    for name in names:
        assert name in cells
    assert "<b>bold" not in html
    assert 'href="http://x"' not in html
    assert html.count("<h1>") == 1
    shown = re.findall(r'<img src="(figures/[a-z-]+\.png)" alt="(.*?)" />', html)
    assert len(shown) == report_text(summary).count("](figures/") > 8
    worst = "most often a|b is read as &lt;b&gt;bold&lt;/b&gt;"
    assert any(worst in alt for _, alt in shown), shown


def test_every_row_of_a_table_has_as_many_cells_as_its_header(
    variants: list[str], summaries: Callable[[str], RunSummary]
) -> None:
    for variant in variants:
        for table in re.findall(r"(?:^\|.*\|\n)+", report_text(summaries(variant)), re.MULTILINE):
            borders = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(borders) == 1, f"{variant}: {table}"


def test_intervals_are_not_given_where_there_are_none(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("few-groups")), as_json(summaries("few-groups"))
    assert facts["final"]["test_accuracy"]["ci95"] is None
    assert {item["verdict"] for item in facts["comparison"]} == {"not distinguishable"}
    leaderboard = text.split("## Leaderboard")[1].split("## ")[0]
    assert "| no verdict |" in leaderboard
    assert "not distinguishable" not in leaderboard
    assert all(line.endswith(": no verdict") for line in headline(facts) if "points against" in line)
    assert "only 6 groups of near-copies" in text
    assert "With fewer than 10 groups no interval can be given" in text


def test_a_class_absent_from_the_test_split(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("absent")), as_json(summaries("absent"))
    cow = facts["final"]["per_class"][2]
    assert cow["images"] == 0
    assert cow["recall"] is None
    assert "The test split has no image of **cow**." in text


def test_perfect_predictions(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("perfect")), as_json(summaries("perfect"))
    assert facts["final"]["test_accuracy"]["ci95"] == pytest.approx([0.025 ** (1 / 40), 1.0])
    assert "No test image is misread." in text
    assert "Every test image of every class is recognised." in text


def test_it_is_said_where_trials_were_not_trained_whole(summaries: Callable[[str], RunSummary]) -> None:
    whole = summaries("asl")
    assert "trained whole" not in report_text(whole)
    trials = tuple(replace(t, epochs=min(t.epochs, 8)) for t in whole.search.trials)
    text = report_text(replace(whole, search=replace(whole.search, trials=trials)))
    assert "A trial is complete after 8 of 20 epochs; finalists are trained whole." in text
    assert "the score in the search is the best of many, after 8 of 20 epochs." in text


def test_what_was_searched_is_said_with_its_steps(summaries: Callable[[str], RunSummary]) -> None:
    text = report_text(summaries("asl"))
    assert "| filters of the first block | 32 | " in text
    assert " | 16 to 64 in steps of 8, log |" in text
    assert " | 0.001 to 0.015, log |" in text


def test_the_default_can_win(summaries: Callable[[str], RunSummary]) -> None:
    text = report_text(summaries("one-trial"))
    assert "The default configuration is the only one that was tried." in text
    assert text.startswith("# one: the default CNN with ")
    assert "tuned CNN" not in text
    assert "| `default` |" not in text
    assert "| **`tuned`** (the default) | " in text
    assert "1 trial, none stopped early, none failed" in text
    assert "Too few trials to say which parameter mattered: 1 has a score, 10 are needed." in text


def test_a_run_of_the_default_alone_claims_nothing_of_others(summaries: Callable[[str], RunSummary]) -> None:
    summary = summaries("one-trial")
    text, facts = report_text(summary), as_json(summary)
    assert "The default configuration is the only one that was tried." in text
    assert "No searched configuration" not in text
    assert "best of many" not in text
    assert not any("against default" in line for line in headline(facts))


def test_a_run_without_baselines(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("alone")), as_json(summaries("alone"))
    assert facts["baselines"] == []
    assert "There is no baseline to compare it with." in text


def test_leaked_test_images_are_reported_apart(summaries: Callable[[str], RunSummary]) -> None:
    text, facts = report_text(summaries("nasty")), as_json(summaries("nasty"))
    assert facts["dataset"]["leaked_test_images"] == 12
    assert "12 test images have a near-copy among the training images" in text
    unleaked = markdown.percent(facts["final"]["test_accuracy_unleaked"])
    assert f"on those without a near-copy: {unleaked}" in text


def test_more_than_one_reading_of_the_test_split_is_told(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    path = make_run(tmp_path / "run", "alone")
    final = json.loads((path / "final.json").read_text())
    final["test_readings"] = 3
    for entry in final["models"]:
        entry["validation"] = {"accuracy_per_fold": [0.51, 0.5, 0.52], "mean": 0.51}
    (path / "final.json").write_text(json.dumps(final))
    summary = RunSummary.load(path)
    assert "were read 3 times" in report_text(summary)
    assert "more than the noise of both explains" in report_text(summary)
    assert as_json(summary)["dataset"]["test_readings"] == 3


def test_what_was_not_tested_is_named_at_the_top(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    path = make_run(tmp_path / "run", "asl")
    final = json.loads((path / "final.json").read_text())
    final["models"] = [model for model in final["models"] if model["name"] not in {"default", "course-cnn"}]
    final["untested"] = ["default", "course-cnn"]
    (path / "final.json").write_text(json.dumps(final))
    answer = report_text(RunSummary.load(path)).split("## Leaderboard")[0]
    assert "Whether the search gained anything is not known: `default` was not retrained" in answer
    assert "best baseline" not in answer
    assert "The baseline `course-cnn` was not tested, so the strongest one is not known." in answer
    assert "others that were tested" in answer or "It is better than" not in answer


def test_without_a_baseline_the_answer_and_the_chart_turn_to_the_default(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    """The strongest may be the one that a budget left out."""
    path = make_run(tmp_path / "run", "asl")
    final = json.loads((path / "final.json").read_text())
    final["models"] = [model for model in final["models"] if model["name"] != "course-cnn"]
    final["untested"] = ["course-cnn"]
    (path / "final.json").write_text(json.dumps(final))
    summary = RunSummary.load(path)
    answer = report_text(summary).split("## Leaderboard")[0]
    assert "points more than the default configuration (" in answer
    assert "dense-512`" not in answer
    drawn = FIGURES["leaderboard"].draw(summary)
    assert " ahead of default (" in " ".join(drawn.get_suptitle().split())


def weak(path: Path, accuracies: list[float]) -> Path:
    """The winner and a baseline learn so on every fold, in as many epochs."""
    entries = [
        entry
        for entry in json.loads((path / "histories.json").read_text())
        if entry["model"] in {"tuned", "course-cnn"} and entry["split"]
    ]
    for entry in entries:
        first = entry["epochs"][0]
        entry["epochs"] = [
            {**first, "epoch": i + 1, "accuracy": a, "val_accuracy": a} for i, a in enumerate(accuracies)
        ]
    (path / "histories.json").write_text(json.dumps(entries))
    run = json.loads((path / "run.json").read_text())
    run["plan"]["epochs"] = len(accuracies)
    (path / "run.json").write_text(json.dumps(run))
    return path


def test_learning_curves_are_lines_between_the_epochs_that_were_validated(tmp_path: Path) -> None:
    known = [None, 0.5, None, 0.6]
    epochs = [{"accuracy": 0.9, "val_accuracy": each, "seconds": 1.0} for each in known]
    retrained = [{"accuracy": 0.9, "val_accuracy": None, "seconds": 1.0}]
    entries = [
        {"model": "tuned", "purpose": "finalist", "epochs": epochs},
        {"model": "tuned", "purpose": "retrain", "epochs": retrained},
    ]
    (tmp_path / "histories.json").write_text(json.dumps(entries))
    on_fold, on_all = read_curves(tmp_path / "histories.json")
    assert on_fold.validation == pytest.approx((0.5, 0.5, 0.55, 0.6))
    assert on_all.validation == ()


def test_a_model_that_was_still_learning_is_told_at_the_top(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    text = report_text(RunSummary.load(weak(make_run(tmp_path / "run", "asl"), [0.3, 0.6])))
    top = text.split("\n\n")[1]
    assert top.startswith("> The winner was still learning when its 2 epochs were over (+30.0 points")
    assert "- `--epochs 10 --fresh`: the winner was still learning; about " in text
    assert "`course-cnn`, which was still learning after its " in text
    assert "it overfits" not in text
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["config"] |= {"budget": 240, "epochs": 20}
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    cut = report_text(RunSummary.load(tmp_path / "run"))
    assert "a larger `--budget` comes first" in cut
    assert re.search(r"- `--budget \d+m --fresh`: the winner was still learning; about ", cut)
    flat = report_text(RunSummary.load(weak(make_run(tmp_path / "flat", "asl"), [0.85, 0.86, 0.86, 0.86])))
    assert "still learning" not in flat


def test_what_a_budget_cut_or_left_decides_what_is_advised(summaries: Callable[[str], RunSummary]) -> None:
    run = summaries("asl")
    assert run.final is not None
    spent = sum(run.seconds.values())
    behind = "more than 15 points behind the best finalist on the first fresh fold: `a`"
    missing = "to hold the budget, trainings on less data were left out: 1"

    def advice(budget: float, *cut: str) -> str:
        assert run.final is not None
        config = {**run.config, "budget": budget}
        text = report_text(replace(run, config=config, final=replace(run.final, cut=cut)))
        return text.split("To try next:")[1].split("\n\n")[1]

    assert "A larger `--budget`" not in advice(1.1 * spent, behind)
    assert "A larger `--budget`" in advice(1.1 * spent, behind, missing)
    assert "A larger `--budget`" in advice(1.1 * spent, not_tried(600.0, 60.0, budget=True))
    assert "A larger `--budget`" not in advice(1.1 * spent, not_tried(600.0, 60.0, budget=False))
    assert "of the budget were left" not in advice(1.1 * spent)
    assert re.search(r"- `--trials \d+`: .* of the budget were left\.", advice(3 * spent))


def test_a_model_no_better_than_chance_is_told_at_the_top(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    path = make_run(tmp_path / "run", "alone")
    with np.load(path / "predictions.npz") as saved:
        arrays = {name: saved[name] for name in saved.files}
    says_a = np.array([0.6, 0.4, 0.0], dtype=np.float32)
    arrays |= {name: np.tile(says_a, (len(row), 1)) for name, row in arrays.items() if "t/tuned/" in name}
    np.savez_compressed(path / "predictions.npz", **arrays)
    top = report_text(RunSummary.load(path)).split("\n\n")[1]
    assert "> The winner is hardly better than always naming the most frequent class" in top
    assert "> The winner never answers **B** and **C**." in top


def test_a_good_run_has_no_warning_and_something_to_try(summaries: Callable[[str], RunSummary]) -> None:
    text = report_text(summaries("mnist"))
    assert not text.split("\n\n")[1].startswith(">")
    assert "To try next:\n\n- " in text
    assert "The hardest class is **" in text
    assert "Its settings, where they are not the default: `learning_rate` 0.0041 (default 0.003)" in text


def test_where_the_model_looks_is_said_to_be_left_out_but_not_of_a_run_that_knew_nothing_of_it(
    runs: Runs, tmp_path: Path
) -> None:
    folder = shutil.copytree(runs("one-trial"), tmp_path / "run")
    with np.load(folder / "images.npz") as images:
        arrays = {name: images[name] for name in images.files}
    del arrays["drops"]
    np.savez(folder / "images.npz", **arrays)
    assert "## Where the model looks\n\nThis was left out: " in report_text(RunSummary.load(folder))
    del arrays["looked_at"]
    np.savez(folder / "images.npz", **arrays)
    assert "Where the model looks" not in report_text(RunSummary.load(folder))


def test_what_is_looked_up_rarely_is_closed(summaries: Callable[[str], RunSummary]) -> None:
    text = report_text(summaries("asl"))
    order = ["Leaderboard", "Classes", "Confusions", "Worst mistakes", "Where the model looks"]
    order += [
        "What the numbers rest on",
        "What mattered",
        "How the search went",
        "Use the model",
        "Further details",
    ]
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == order
    assert text.count("<details>") == text.count("</details>")
    details = text.split("## Further details")[1]
    for title in (
        "Calibration",
        "Learning curves",
        "The data",
        "The model",
        "Environment and how to repeat it",
    ):
        assert f"<details>\n<summary>{title}</summary>\n\n" in details


def test_no_line_ends_before_a_per_cent_sign(summaries: Callable[[str], RunSummary]) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", written(summaries("asl")), flags=re.DOTALL)
    assert "\u00a0%" in text
    assert not re.search(r"\d %", text)


def test_the_tables_hold_what_the_report_says(summaries: Callable[[str], RunSummary]) -> None:
    summary = summaries("failed")
    rows = list(csv.DictReader(trials(summary).splitlines()))
    assert [int(row["trial"]) for row in rows] == list(range(20))
    assert [row["state"] for row in rows].count("failed") == 6
    assert all(float(row["param_learning_rate"]) > 0 for row in rows)
    best = max((row for row in rows if row["state"] == "complete"), key=lambda row: float(row["score"]))
    text = report_text(summary)
    assert f"| **{best['trial']}** | {100 * float(best['score']):.1f} % | {best['epochs']} |" in text
    wrong = list(csv.DictReader(mistakes(summary).splitlines()))
    assert len(wrong) == len(final_of(summary).mistakes)
    assert all(row["truth"] != row["prediction"] for row in wrong)
    assert [float(row["probability"]) for row in wrong] == sorted(
        (float(row["probability"]) for row in wrong), reverse=True
    )
    assert f"misreads {len(wrong):,} of" in text
    assert all(row["file"] == f"test image {row['test_image']}" for row in wrong)  # as no names are kept
    assert mistakes(summaries("interrupted")).count("\n") == 1


def test_frames_of_few_scenes_say_nothing_of_more_data(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    path = make_run(tmp_path / "run", "asl")
    final = json.loads((path / "final.json").read_text())
    final["data_curve"] = [
        {"share": s, "images": 100, "groups": 50, "accuracy_per_fold": [a, a + 0.01, a]}
        for s, a in ((0.5, 0.6), (1.0, 0.8))
    ]
    (path / "final.json").write_text(json.dumps(final))
    text = report_text(RunSummary.load(path))
    assert "more data of the same kind would probably help" in text
    assert "- More data of the same kind: half the data cost 20.0 points" in text
    audit = json.loads((path / "audit.json").read_text())
    audit["duplicates"]["scenes"] = 8
    (path / "audit.json").write_text(json.dumps(audit))
    text = report_text(RunSummary.load(path))
    assert "probably" not in text
    assert "does not tell whether images of new scenes would help" in text


def test_the_saved_model_has_an_interval_of_its_own(summaries: Callable[[str], RunSummary]) -> None:
    """Of its own answers, without the noise of seeds that are not in it."""
    final = final_of(summaries("binary"))
    assert final.shipped.seeds == 1
    assert final.saved is not None
    assert final.winner.test is not None
    assert final.saved.mean == final.winner.test.per_seed[0]
    assert final.saved.interval is not None
    answer = report_text(summaries("binary")).split("\n\n")[1]
    assert answer.startswith(f"**The saved tuned CNN reads {100 * final.saved.mean:.1f} % of unseen images")
    assert "Over 3 seeds it reads " in answer
    assert as_json(summaries("binary"))["final"]["shipped"]["ci95"] == list(final.saved.interval)


def test_a_damaged_run_directory_is_an_error_in_plain_words(
    tmp_path: Path, make_run: Callable[..., Path]
) -> None:
    with pytest.raises(UsageError, match="is not a run directory"):
        RunSummary.load(tmp_path)
    path = make_run(tmp_path / "run", "alone")
    (path / "predictions.npz").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match="damaged"):
        RunSummary.load(path)
    (path / "predictions.npz").unlink()
    text = report_text(RunSummary.load(path))
    assert "The predictions of the winner on the test images are missing" in text


def test_a_torn_journal_is_read_and_left_as_it_is(tmp_path: Path, make_run: Callable[..., Path]) -> None:
    path = make_run(tmp_path / "run", "interrupted")
    journal = path / "study.journal"
    torn = journal.read_bytes() + b'{"op_code": 6, "worker_id": "x", "tri'
    journal.write_bytes(torn)
    assert len(RunSummary.load(path).search.trials) == 10
    assert journal.read_bytes() == torn


def test_writing_leaves_all_that_the_report_shows(runs: Runs) -> None:
    path = runs("binary")
    report = reports.write(path)
    assert report == path / "report.md"
    shown = re.findall(r"!\[(.*?)\]\((.*?)\)", report.read_text())
    assert len(shown) >= 9
    assert all(alt and (path / figure).read_bytes().startswith(b"\x89PNG") for alt, figure in shown)
    assert {figure for _, figure in shown} == {
        f"figures/{png.name}" for png in (path / "figures").glob("*.png")
    }
    rows = list(csv.DictReader((path / "leaderboard.csv").read_text().splitlines()))
    assert [row["model"] for row in rows][:1] == ["tuned, all seeds together"] or rows[0]["model"] == "tuned"
    assert json.loads((path / "report.json").read_text())["final"]["test_accuracy"]["mean"] > 0.9
    assert not list(path.rglob("*.tmp"))


def test_writing_needs_neither_keras_nor_pyplot(runs: Runs) -> None:
    code = (
        "import sys, reports\nreports.write(sys.argv[1])\n"
        "print([name for name in ('keras', 'tensorflow', 'matplotlib.pyplot') if name in sys.modules])"
    )
    path = str(runs("binary"))
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_reports_is_cheap() -> None:
    heavy = {"keras", "tensorflow", "matplotlib", "optuna", "scipy", "sklearn", "pandas"}
    code = f"import sys, reports; print(sorted(set(sys.modules) & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sections_are_references_that_resolve() -> None:
    from tuner.registry import resolve

    assert all(callable(resolve(section)) for section in (*reports.SECTIONS, *reports.FOLDED))
