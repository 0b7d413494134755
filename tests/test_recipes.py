"""The table "To add a thing" of CONTRIBUTING.md, followed literally in a copy of the sources."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.helpers.caches import new_cache

FILES = {
    "data set": """
from dataclasses import replace

from tuner.datasets.named import digits

SOURCE = replace(digits.SOURCE, name="tiny", summary="the tiny data set")
""",
    "model family": """
from dataclasses import replace

from search_spaces import cnn_small
from search_spaces.space import SearchSpace


def space(task):
    return SearchSpace("tiny", cnn_small.space(task).parameters)


FAMILY = replace(cnn_small.FAMILY, name="tiny", summary="the tiny family", space=space)
""",
    "baseline": """
from dataclasses import replace

from tuner.baselines import majority

BASELINE = replace(majority.BASELINE, name="tiny", summary="the tiny baseline")
""",
    "scheduler": '''
from tuner.search.schedulers import base


class Scheduler(base.Scheduler):
    """Stops every trial but the default after its first epoch."""

    def report(self, trial, epoch, score):
        return trial == base.DEFAULT
''',
    "executor": """
from tuner.workers.executors.local import LocalExecutor


class Executor(LocalExecutor):
    def device(self, slot):
        return f"tiny-{slot}"
""",
    "report section": """
def render(summary):
    return f"## The tiny section\\n\\nof {summary.name}"
""",
    "command": '''
def tiny() -> int:
    """The tiny command."""
    print("the tiny command ran")
    return 0
''',
}


def recipes() -> dict[str, list[str]]:
    """thing -> [new file, line, registry], with `tiny` for `x`."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| ([a-z ]+) \| `(.+?)` \| `(.+?)` \| `(.+?)` \|$", text, re.MULTILINE)
    tiny = re.compile(r"(?<![a-z])x(?![a-z])")
    return {thing: [tiny.sub("tiny", part) for part in parts] for thing, *parts in rows}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources in which every recipe was followed."""
    copy = tmp_path_factory.mktemp("copy")
    for package in ("tuner", "search_spaces", "reports", "tests/helpers"):
        shutil.copytree(
            ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "examples")
        )
    shutil.copy(ROOT / "tests" / "__init__.py", copy / "tests")
    for thing, (file, line, registry) in recipes().items():
        assert not (copy / file).exists()
        (copy / file).write_text(FILES[thing])
        told = (copy / registry).read_text()
        neighbour = re.search(r"^    \"[\w.: -]+\".*,$", told, re.MULTILINE)
        if thing == "command":
            changed = f"{told}{line}\n"  # below the other commands
        else:
            assert neighbour is not None
            changed = told.replace(neighbour[0], f"{neighbour[0]}\n    {line}", 1)
        assert changed != told
        (copy / registry).write_text(changed)
    return copy


def test_every_thing_has_a_recipe() -> None:
    assert set(recipes()) == set(FILES)


def test_all_that_was_added_is_there_under_its_name(sources: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(sources),
        "TUNE_WORKER": "tests.helpers.curve_worker",
        "TUNE_CACHE_DIR": new_cache(tmp_path / "cache"),
    }

    def tune(*words: str) -> str:
        command = [sys.executable, "-m", "tuner.cli", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    names = ["--space", "tiny", "--baselines", "tiny", "--pruner", "tiny", "--on", "tiny"]
    tune(
        "run",
        "tiny",
        *names,
        "--trials",
        "3",
        "--epochs",
        "6",
        "--seeds",
        "1",
        "--finalists",
        "1",
        "--workers",
        "1",
    )
    report = json.loads((tmp_path / "runs" / "tiny" / "report.json").read_text())
    assert report["dataset"]["name"] == "tiny"
    assert (report["search"]["space"], report["search"]["pruner"]) == ("tiny", "tiny")
    assert [report["search"]["trials"][state] for state in ("complete", "pruned", "failed")] == [1, 2, 0]
    assert "tiny" in [row["name"] for row in report["baselines"]]
    assert "## The tiny section" in (tmp_path / "runs" / "tiny" / "report.md").read_text()
    assert "tiny-0" in (tmp_path / "runs" / "tiny" / "study.journal").read_text()
    assert "the tiny command ran" in tune("tiny")
