"""One table over several runs, and the index of a folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import compare
from tuner.errors import UsageError

Runs = Callable[[str], Path]


def test_a_row_for_each_run(runs: Runs) -> None:
    paths = [runs("asl"), runs("interrupted"), runs("few-groups"), runs("alone")]
    lines = compare.table(paths).splitlines()
    assert len(lines) == 5
    assert len({line.index("cnn") for line in lines[1:]}) == 1
    assert "course-cnn" in lines[1]
    assert "better" in lines[1]
    assert "not finished (interrupted)" in lines[2]


def test_what_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a run directory"):
        compare.table([tmp_path])


def index(folder: Path) -> str:
    written = compare.write_index(folder)
    assert written is not None
    return written.read_text()


def test_a_readme_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    assert compare.write_index(tmp_path) is None
    assert (tmp_path / "README.md").read_text() == "# My project\n"
    (tmp_path / "README.md").unlink()
    assert index(tmp_path).startswith("# Runs\n")


def test_the_index_lists_what_there_is(runs: Runs, tmp_path: Path) -> None:
    for name, variant in (("one", "alone"), ("two", "nasty"), ("one.20260101-101010", "alone")):
        shutil.copytree(runs(variant), tmp_path / name)
    (tmp_path / "one" / "report.md").write_text("# one\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    text = index(tmp_path)
    assert "[alone](one/report.md)" in text
    assert "nasty\\|&lt;name&gt;" in text
    assert "20260101" not in text
    assert "- broken: " in text
    assert index(tmp_path) == text
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md", "broken", "one", "one.20260101-101010", "two",
    ]  # fmt: skip
