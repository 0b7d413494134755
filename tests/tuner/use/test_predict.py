"""`tune predict` on the model of a real small run."""

import csv
import json
import shlex
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests import ROOT
from tests.helpers.builders import csv_text, huge_png, noise
from tests.helpers.markdown import blocks
from tests.helpers.runs import Tune
from tests.tuner.use.conftest import Command, digits
from tuner.use.description import Place
from tuner.use.predictor import Predictor


def rows(out: str) -> list[Any]:
    return [json.loads(line) for line in out.splitlines()]


def test_every_form_of_the_same_images_gets_the_same_answer(
    command: Command, used: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Files, an archive, rows of a CSV and arrays; and what `model.predict` says of the pixels."""
    forms = ["photos/a.png", "photos.zip", "digits.csv", "digits.npz"]
    assert command("predict", "digits", *forms, "--json", "--quiet", "--top", "10") == 0
    found = rows(capfd.readouterr().out)
    assert [row["file"] for row in found[:3]] == ["photos/a.png", "photos.zip/some/a.png", "digits.csv:1"]
    assert len(found) == 1 + 1 + 40 + 40
    model = Predictor.load(Place.find(Path("digits"), used / "runs"))
    expected = model.model.predict(digits(40), verbose=0)
    for first in (2, 42):
        for row, probabilities in zip(found[first : first + 40], expected, strict=True):
            assert row["label"] == str(probabilities.argmax())
            said = {item["label"]: item["probability"] for item in row["top"]}
            assert said == {str(i): pytest.approx(p, abs=1e-5) for i, p in enumerate(probabilities)}
    assert found[0]["top"] == found[1]["top"] == found[2]["top"]
    assert model.probabilities(digits(40)) == pytest.approx(expected, abs=1e-6)


def test_a_copied_model_folder_is_enough(
    command: Command, used: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert command("predict", "digits", "photos", "--json") == 0
    expected = capfd.readouterr().out
    copied = shutil.copytree(used / "runs" / "digits" / "model", tmp_path / "elsewhere")
    assert command("predict", str(copied), "photos", "--json") == 0
    assert capfd.readouterr().out == expected
    assert command("predict", str(copied), "photos", "--unsure", "0.5") == 0
    assert "by one model at a time, not by the average of 2: " in capfd.readouterr().err


def test_a_negative_is_put_right_and_that_is_said(
    command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for invert in ("auto", "no", "yes"):
        assert command("predict", "digits", "photos/a.png", "photos/b.png", "--json", "--invert", invert) == 0
        captured = capfd.readouterr()
        said[invert] = [row["inverted"] for row in rows(captured.out)]
        assert ("inverted: 1 of 2, light where" in captured.err) == (invert == "auto")
    assert said == {"auto": [False, True], "no": [False, False], "yes": [True, True]}
    assert command("predict", "digits", "digits.csv", "--json", "--quiet", "--invert", "auto") == 0
    upright = rows(capfd.readouterr().out)[1]
    assert command("predict", "digits", "photos/b.png", "--json", "--quiet") == 0
    assert rows(capfd.readouterr().out)[0]["top"] == upright["top"]


def test_what_cannot_be_read_costs_its_own_row(
    command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "=1+1,\x1b[31m.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    files = ["photos/a.png", *(str(path) for path in sorted(tmp_path.iterdir())), "photos/c.png"]
    assert command("predict", "digits", *files) == 1
    captured = capfd.readouterr()
    assert [line.count("cannot be read") for line in captured.out.splitlines()] == [0, 1, 1, 0]
    assert "no image data of a known format" in captured.out
    assert "\x1b" not in captured.out
    assert "not readable: 2 of 4" in captured.err


def test_archives_and_images_have_the_limits_of_training_data(
    command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bomb = huge_png(60_000, 60_000)
    (tmp_path / "bomb.png").write_bytes(bomb)
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("bomb.png", bomb)
    assert (
        command("predict", "digits", str(tmp_path / "bomb.png"), str(tmp_path / "packed.zip"), "--json") == 1
    )
    for row in rows(capfd.readouterr().out):
        assert "expected at most 64 million pixels" in row["error"]


def test_code_in_a_model_is_not_run(
    command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import keras

    inputs = keras.Input((8, 8, 1))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x)(inputs)).save(tmp_path / "model.keras")
    (tmp_path / "labels.json").write_text('["a"]')
    assert command("predict", str(tmp_path), "photos") == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "model.keras cannot be loaded" in captured.err
    assert "Lambda" in captured.err


def test_a_name_is_no_formula_in_a_spreadsheet_but_exact_in_a_submission(
    command: Command, used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["=1+1.png", "@SUM(1).png"]
    for name in names:
        shutil.copy(used / "photos" / "a.png", name)
    run = str(used / "runs" / "digits")
    assert command("predict", run, *names, "--csv", "out.csv") == 0
    with Path("out.csv").open() as file:
        assert [row["file"] for row in csv.DictReader(file)] == [f"'{name}" for name in names]
    assert command("predict", run, *names, "--csv", "out.csv", "--submission") == 0
    assert [line.split(",")[0] for line in Path("out.csv").read_text().splitlines()[1:]] == [
        "=1+1",
        "@SUM(1)",
    ]


def test_csv_and_submission(command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.csv"
    assert command("predict", "digits", "photos", "--csv", str(out), "--top", "2", "--unsure", "0.5") == 0
    with out.open() as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == [
        *("file", "label", "probability", "label_2", "probability_2", "decided", "inverted", "notes")
    ]
    assert [row["file"] for row in found] == [f"photos/{name}.png" for name in "abcdefgh"]
    assert command("predict", "digits", "photos", "digits.csv", "--csv", str(out), "--submission") == 0
    lines = out.read_text().splitlines()
    assert lines[0] == "id,label"
    assert [line.split(",")[0] for line in lines[1:]] == [*"abcdefgh", *map(str, range(1, 41))]
    numbered = tmp_path / "numbered.csv"
    header = ["id", *(f"pixel{i}" for i in range(64))]
    numbered.write_text(csv_text(digits(3), ["x7", "x8", "x9"], header=header))
    assert command("predict", "digits", str(numbered), "--csv", str(out), "--submission") == 0
    assert [line.split(",")[0] for line in out.read_text().splitlines()[1:]] == ["x7", "x8", "x9"]
    assert "3 rows" in capfd.readouterr().err


def test_a_list_of_files_and_labels_beside_them(
    command: Command, used: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (used / "listed.csv").write_text("path,label\nphotos/c.png,2\nphotos/d.png,3\n")
    assert command("predict", "digits", "listed.csv", "--json") == 0
    assert [row["file"] for row in rows(capfd.readouterr().out)] == ["photos/c.png", "photos/d.png"]


def test_the_sheet_shows_each_picture(command: Command, tmp_path: Path) -> None:
    assert command("predict", "digits", "photos", "--sheet", str(tmp_path / "s.png")) == 0
    sheet = Image.open(tmp_path / "s.png")
    assert sheet.width == 8 + 8 * 120
    greys = {sheet.getpixel((8 + 120 * i + x, 8 + y)) for i in range(8) for x in (9, 50) for y in (9, 50)}
    assert len(greys) > 6


def test_the_sheet_has_names_in_any_script(command: Command, used: Path, tmp_path: Path) -> None:
    """In a font that has the characters, or as their numbers; boxes would be the same for both names."""
    folder = used / "scripts"
    folder.mkdir()
    picture = (used / "photos" / "a.png").read_bytes()
    for name in ("\u0444\u043e\u0442\u043e", "\u732b\u732b", "\u72ac\u72ac"):
        (folder / f"{name}.png").write_bytes(picture)
    assert command("predict", "digits", "scripts", "--sheet", str(tmp_path / "s.png")) == 0
    sheet = Image.open(tmp_path / "s.png")
    names = [sheet.crop((8 + 120 * i, 8 + 112 + 17, 120 * (i + 1), 8 + 112 + 34)).tobytes() for i in range(3)]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["digits", "nothing.png"], "no file or folder 'nothing.png'"),
        (["digitz", "photos"], "no run and no model 'digitz'\nruns in runs: digits"),
        (["digits", "photos", "--top", "0"], "--top 0: expected a whole number from 1"),
        (["digits", "photos", "--invert", "maybe"], "--invert 'maybe': expected one of auto, yes, no"),
        (["digits", "photos", "--unsure", "99"], "--unsure 99: expected an accuracy above 0 and below 1"),
        (["digits", "photos", "--submission"], "--submission says how --csv FILE is written"),
        (["digits", "small.csv"], "9 columns\nexpected 64 pixel values a row"),
        (["damaged", "photos"], "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_told(
    command: Command, used: Path, words: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (used / "small.csv").write_text(csv_text(noise(4, (3, 3, 1)), None))
    damaged = used / "damaged"
    damaged.mkdir(exist_ok=True)
    (damaged / "model.keras").write_bytes(b"PK\x05\x06" + bytes(18))
    assert command("predict", *words) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "defect" not in captured.err
    assert len(captured.err.splitlines()) <= 4  # the kind of the model may stand before it


def test_ten_thousand_pictures_take_little_memory(
    command: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As files and as rows; after a first prediction, so that what grows is what pictures need."""
    assert command("predict", "digits", "photos", "--quiet") == 0
    images = digits(1000)
    many = tmp_path / "many"
    many.mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image[..., 0]).resize((200, 200)).save(many / f"{number:05}.bmp")
    (tmp_path / "many.csv").write_text(csv_text(images, None) * 10)
    before = psutil.Process().memory_info().rss
    out = str(tmp_path / "out.csv")
    files = [*[str(many)] * 10, str(tmp_path / "many.csv")]
    assert command("predict", "digits", *files, "--csv", out) == 0
    assert psutil.Process().memory_info().rss - before < 100e6
    assert len(Path(out).read_text().splitlines()) == 20_001
    assert "20,000 rows" in capfd.readouterr().err


def test_the_commands_of_the_documentation_run(
    command: Command, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = [line for block in blocks(ROOT / "docs" / "predict.md", "sh") for line in block.splitlines()]
    assert len(lines) > 5
    for line in lines:
        before, _, after = line.rpartition(" | ")
        if before:
            listed = subprocess.run(before, shell=True, capture_output=True, text=True, check=True).stdout
            monkeypatch.setattr("sys.stdin", iter(listed.splitlines(keepends=True)))
        words = shlex.split(after)
        assert words[0] == "tune"
        assert command(*words[1:]) == 0, line
    assert "photos/a.png" in capfd.readouterr().out


def test_pixels_of_a_model_without_statistics(
    used: Path, tmp_path: Path, command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    """As runs of the version before have left it: it predicts, and says what it cannot do."""
    old = shutil.copytree(used / "runs" / "digits" / "model", tmp_path / "old")
    (old / "model.json").unlink()
    assert command("predict", str(old), "photos", "--json") == 0
    assert not any(row["inverted"] for row in rows(capfd.readouterr().out))
    assert command("predict", str(old), "photos", "--unsure", "0.9") == 2
    assert "nothing is known of this model on held-out images" in capfd.readouterr().err


def test_arrays_that_are_no_images_are_refused(used: Path) -> None:
    from tuner.errors import UsageError

    model = Predictor.load(Place.find(Path("digits"), used / "runs"))
    assert model.probabilities([]).shape == (0, 10)
    assert model.probabilities([np.zeros((30, 20, 3), np.uint8), digits(1)[0, ..., 0]]).shape == (2, 10)
    for wrong in (np.full((1, 8, 8), 0.5), np.full((1, 8, 8), 300), np.zeros((1, 8))):
        with pytest.raises(UsageError, match="expected"):
            model.probabilities(wrong)


def test_arrays_of_another_range_become_what_training_made_of_them(
    command: Command, used: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(used / "runs" / "digits" / "model", tmp_path / "sixteenths")
    facts = json.loads((copied / "model.json").read_text())
    facts["scale"] = {"low": 0, "high": 16, "least": 0, "most": 16}
    (copied / "model.json").write_text(json.dumps(facts))
    sixteenths = np.rint(digits(20) / (255 / 16)).astype(np.uint8)
    (tmp_path / "raw.csv").write_text(csv_text(sixteenths, None))
    np.savez(tmp_path / "raw.npz", x_test=sixteenths)
    files = [str(tmp_path / name) for name in ("raw.csv", "raw.npz")]
    assert command("predict", str(copied), *files, "--json", "--quiet") == 0
    found = [row["label"] for row in rows(capfd.readouterr().out)]
    assert command("predict", "digits", "digits.csv", "--json", "--quiet") == 0
    expected = [row["label"] for row in rows(capfd.readouterr().out)][:20]
    assert found == [*expected, *expected]


def test_a_run_keeps_how_its_values_were_scaled(tune_curves: Tune, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 17, (60, 8, 8)).astype(np.uint8), np.arange(60) % 2
    np.savez(tmp_path / "sixteenths.npz", x_train=images, y_train=labels)
    short = ["--trials", "1", "--epochs", "1", "--seeds", "1", "--finalists", "1", "--baselines", "none"]
    done = tune_curves("sixteenths.npz", *short, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "runs" / "sixteenths" / "model" / "model.json").read_text())
    assert (facts["scale"]["low"], facts["scale"]["high"]) == (0, 16)
