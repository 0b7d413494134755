"""`run.json`: read and written by one record, whatever version of the program wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.make_run import make_run
from tuner.errors import TuneError
from tuner.run_json import RunRecord


@pytest.fixture
def written(tmp_path: Path) -> Path:
    make_run(tmp_path / "run", "one-trial")
    return tmp_path / "run" / "run.json"


def test_what_another_version_wrote_is_kept(written: Path) -> None:
    data = json.loads(written.read_text())
    data |= {"colour": "blue", "dataset": {**data["dataset"], "licence": "CC0"}}
    written.write_text(json.dumps(data))
    RunRecord.read(written).spent(report=2.0).write(written)
    again = json.loads(written.read_text())
    assert (again["colour"], again["dataset"]["licence"]) == ("blue", "CC0")
    assert again["dataset"] == data["dataset"]
    assert again["seconds"]["report"] == data["seconds"].get("report", 0.0) + 2.0
    assert RunRecord.read(written).to_json() == again


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 2}, "format of version 2; expected 1"),
        ({"dataset": {"name": "digits"}}, "image_shape"),
        ({"dataset": []}, "not what tune writes"),
    ],
)
def test_no_record_is_refused_with_its_place(written: Path, changes: dict[str, Any], said: str) -> None:
    written.write_text(json.dumps({**json.loads(written.read_text()), **changes}))
    with pytest.raises(TuneError, match=said) as refused:
        RunRecord.read(written)
    assert str(written) in str(refused.value)


@pytest.mark.parametrize("text", ["", "[1]", "{", "null"])
def test_a_file_that_is_no_json_object_is_refused(written: Path, text: str) -> None:
    written.write_text(text)
    with pytest.raises(TuneError):
        RunRecord.read(written)
