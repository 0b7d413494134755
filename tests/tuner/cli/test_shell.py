"""At home in a shell: completion, and no colours where they are not wanted."""

import re
from pathlib import Path

import pytest

from tests.helpers.runs import Tune

COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-8]|4[0-8]|9[0-7])[0-9;]*m")


@pytest.mark.parametrize(
    ("line", "word", "offered", "not_offered"),
    [
        ("tune di", 1, {"digits"}, {"datasets"}),
        ("tune ", 1, {"run", "status", "digits", "asl", "photos/"}, {".hidden/"}),
        ("tune --ver", 1, {"--version"}, set()),
        ("tune status ", 2, {"mine"}, {"other"}),
        ("tune status --out elsewhere o", 4, {"other"}, {"mine"}),
        ("tune predict mi", 2, {"mine"}, set()),
        ("tune digits --sp", 2, {"--space"}, {"--seed"}),
        ("tune digits --space c", 3, {"cnn"}, {"mlp", "photos/"}),
        ("tune run digits --space ", 4, {"mlp", "own.toml"}, {"notes.txt"}),
        ("tune digits --baselines majority,lo", 3, {"majority,logistic"}, {"all"}),
        ("tune photos/a", 1, {"photos/ants/"}, {"photos/bees/"}),
    ],
)
def test_a_shell_completes_what_there_is(
    tune: Tune, tmp_path: Path, line: str, word: int, offered: set[str], not_offered: set[str]
) -> None:
    for run in ("runs/mine", "elsewhere/other"):
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "run.json").write_text("{}")
    for folder in ("photos/ants", "photos/bees", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("own.toml", "notes.txt"):
        (tmp_path / file).touch()
    asked = {"_TUNE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(word)}
    done = tune(cwd=tmp_path, **asked)
    found = set(done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert offered <= found
    assert not found & not_offered


def test_no_color_is_respected(tune: Tune, tmp_path: Path) -> None:
    coloured = tune("--help", cwd=tmp_path, FORCE_COLOR="1")
    plain = tune("--help", cwd=tmp_path, FORCE_COLOR="1", NO_COLOR="1")
    assert COLOUR.search(coloured.stdout)
    assert not COLOUR.search(plain.stdout)
