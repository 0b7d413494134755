"""Programs that JAX compiles are kept in the user's cache, unless the user says where."""

import os
from pathlib import Path

import pytest

from tuner.workers import cores, programs


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(os, "environ", {**os.environ, "KERAS_BACKEND": "jax"})
    os.environ.pop(programs.FOLDER, None)


def test_they_are_kept_for_this_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.keep()
    here = os.environ.pop(programs.FOLDER)
    assert Path(here).is_relative_to(tmp_path / "jax")
    monkeypatch.setattr(cores, "flags", lambda: "sse2")
    programs.keep()
    assert os.environ[programs.FOLDER] != here


@pytest.mark.parametrize("given", [{"KERAS_BACKEND": "tensorflow"}, {programs.FOLDER: "mine"}])
def test_nothing_is_said_to_other_frameworks_or_against_the_user(given: dict[str, str]) -> None:
    os.environ.update(given)
    before = dict(os.environ)
    programs.keep()
    assert dict(os.environ) == before
