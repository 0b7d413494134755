"""`tune export` on the model of a real small run: each format opened in its own runtime."""

import contextlib
import io
import json
import re
import shlex
import shutil
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import ROOT
from tests.helpers.markdown import blocks
from tests.tuner.use.conftest import Command, digits, tune
from tuner.errors import UsageError
from tuner.use.description import Place
from tuner.use.exports import card
from tuner.use.exports import export as exporting
from tuner.use.exports.formats import FORMATS, Format
from tuner.use.exports.images import Reference
from tuner.use.predictor import Predictor

LABELS = [str(digit) for digit in range(10)]


def needing(name: str) -> None:
    for module in FORMATS[name].lacking:
        pytest.skip(f"{module} is not installed; the extra {FORMATS[name].extra} has it")


def labels_inside(name: str, path: Path) -> Any:
    """The names of the classes, as the format's own library finds them."""
    if name == "onnx":
        import onnxruntime

        return json.loads(onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map["labels"])
    if name == "litert":
        with zipfile.ZipFile(path) as archive:
            return archive.read("labels.txt").decode().split()
    if name == "openvino":
        import openvino

        return json.loads(openvino.Core().read_model(path).get_rt_info(["labels"]).value)
    return json.loads((path / "assets.extra" / "labels.json").read_text())


@dataclass(frozen=True)
class Exports:
    """What the commands of the documentation write, and say; `missing` formats have no runtime here."""

    folder: Path
    said: str
    missing: tuple[str, ...]


@pytest.fixture(scope="module")
def exports(used: Path, environment: dict[str, str]) -> Exports:
    missing = tuple(name for name, each in FORMATS.items() if each.lacking)
    said = io.StringIO()
    lines = [line for block in blocks(ROOT / "docs" / "export.md", "sh") for line in block.splitlines()]
    assert len(lines) == 4
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.chdir(used)
        patch.setenv("TUNE_CACHE_DIR", environment["TUNE_CACHE_DIR"])
        for line in lines:
            name, command, run, option, formats, *rest = shlex.split(line)
            assert (name, command, run, option) == ("tune", "export", "digits", "--to")
            known = ",".join(each for each in formats.split(",") if each not in missing)
            if known:
                assert tune(patch, command, run, option, known, *rest) == 0, line
    return Exports(used / "runs" / "digits" / "exports", said.getvalue(), missing)


def test_the_commands_of_the_documentation_run(exports: Exports) -> None:
    for name in exports.missing:
        needing(name)
    files = {*(each.file for each in FORMATS.values()), "model-int8.tflite", "README.md", "train_best.py"}
    assert files <= {path.name for path in exports.folder.iterdir()}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_agrees_with_keras_in_its_own_runtime(exports: Exports, used: Path, name: str) -> None:
    needing(name)
    folder = exports.folder
    [row] = [row for row in json.loads((folder / "parity.json").read_text()) if row["format"] == name]
    assert (row["images"], row["on"]) == (359, "test images")
    assert row["agreement"] >= 0.999
    assert row["largest_difference"] < 1e-4
    assert row["accuracy"] == pytest.approx(row["keras_accuracy"], abs=1e-9)
    with np.load(used / "runs" / "digits" / "predictions.npz") as saved:
        together = np.mean([saved["test/tuned/0"], saved["test/tuned/1"]], axis=0)
        assert row["accuracy"] == (together.argmax(axis=1) == saved["test_labels"]).mean()
    assert sys.modules.get("openvino_telemetry") is None  # no export tells anybody of it
    path = folder / FORMATS[name].file
    predict = FORMATS[name].open(path)
    for count in (1, 7):  # batches of any size
        assert np.asarray(predict(digits(count))).shape == (count, 10)
    assert json.loads((folder / "labels.json").read_text()) == LABELS
    if name != "keras":
        assert labels_inside(name, path) == LABELS


def test_eight_bits_are_told_with_what_they_cost(
    exports: Exports,
    command: Command,
    used: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    needing("litert")
    folder = exports.folder
    assert (folder / "model-int8.tflite").stat().st_size < (folder / "model.tflite").stat().st_size
    assert " % instead of " in exports.said
    rows = {row["format"]: row for row in json.loads((folder / "parity.json").read_text())}
    assert rows["litert-int8"]["largest_difference"] > rows["litert"]["largest_difference"]
    monkeypatch.setenv("TUNE_CACHE_DIR", str(used / "no-cache"))
    assert command("export", "digits", "--to", "litert", "--quantize", "int8") == 2
    assert "which are not in the cache of this machine" in capfd.readouterr().err


def test_an_export_that_disagrees_is_removed(used: Path, tmp_path: Path) -> None:
    def write_backwards(model: Any, labels: Any, path: Path) -> None:
        import keras

        images = keras.Input(model.input_shape[1:], dtype="uint8")
        keras.Model(images, model(images)[:, ::-1]).save(path)

    wrong = Format("keras", "backwards.keras", "", (), write_backwards, FORMATS["keras"].open)
    predictor = Predictor.load(Place.find(Path("digits"), used / "runs"))
    reference = Reference(digits(100), None, "images", None)
    [found] = exporting._models(predictor, reference, [wrong], tmp_path)
    assert found.removed
    assert not found.path.exists()
    assert found.parity is not None
    assert found.parity.agreement < 0.9
    assert "and so removed" in exporting.line(found)


def test_a_copied_folder_is_enough_and_that_is_said(
    command: Command, used: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(used / "runs" / "digits" / "model", tmp_path / "copied")
    assert command("export", str(copied), "--to", "keras", "--dest", str(tmp_path / "there")) == 0
    assert "of 200 random images, as there is no run here" in capfd.readouterr().out
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == [
        "labels.json",
        "model.keras",
        "parity.json",
    ]
    assert command("export", str(copied), "--to", "card") == 2


def test_the_card_is_readable_by_machines(command: Command, used: Path) -> None:
    yaml = pytest.importorskip("yaml")
    assert command("export", "digits", "--to", "card") == 0
    _, front, body = (used / "runs" / "digits" / "exports" / "README.md").read_text().split("---\n", 2)
    facts = json.loads((used / "runs" / "digits" / "report.json").read_text())["final"]
    [entry] = yaml.safe_load(front)["model-index"]
    [metric] = entry["results"][0]["metrics"]
    assert metric["value"] == round(facts["ensemble_test_accuracy"], 4)
    low, high = facts["ensemble_ci95"]
    assert metric["name"] == f"test accuracy (95 % interval {low:.4f} to {high:.4f})"
    assert "the average of 2 models" in body
    assert "## What it is not for" in body


def test_names_in_a_card_are_text_whatever_is_in_them(used: Path, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    from markdown_it import MarkdownIt

    hostile = '"; import os\n---\n<script>alert(1)</script> [x](javascript:alert(1))'
    run = tmp_path / "run"
    shutil.copytree(used / "runs" / "digits", run, ignore=shutil.ignore_patterns("fits", "exports"))
    facts = json.loads((run / "report.json").read_text())
    facts["name"] = facts["dataset"]["name"] = hostile
    facts["dataset"]["classes"] = [hostile] * len(LABELS)
    facts["final"]["per_class"][0] |= {"name": hostile, "recall": 0.0}
    (run / "report.json").write_text(json.dumps(facts))
    _, front, body = card.write(Place(run / "model", run), tmp_path).read_text().split("---\n", 2)
    assert yaml.safe_load(front)["model-index"][0]["name"] == hostile
    html = MarkdownIt("commonmark").render(body)
    assert html.count("&lt;script&gt;") == len(LABELS) + 3
    assert not re.search(r"<(script|a|hr)\b", html)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "onxx"], "--to: no format 'onxx'; did you mean 'onnx'?"),
        (["--to", ","], "--to: expected formats"),
        (["--to", "keras", "--quantize", "int8"], "--quantize int8 is for LiteRT"),
        (["--to", "litert", "--quantize", "int4"], "--quantize 'int4': expected int8"),
    ],
)
def test_what_is_wrong_is_told(
    command: Command, words: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command("export", "digits", *words) == 2
    assert said in capfd.readouterr().err


def test_a_runtime_that_is_not_installed_is_named_with_its_extra() -> None:
    absent = Format("onnx", "x", "onnx", ("no_such_module",), FORMATS["onnx"].write, FORMATS["onnx"].open)
    with pytest.raises(UsageError, match=r"needs no_such_module.*\n.*tune-images\[onnx\]"):
        absent.check()
