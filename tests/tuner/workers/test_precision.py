"""Which precision trials get: as asked, by the processor, or by what was measured on it."""

import json
from pathlib import Path

import pytest

from tuner.workers.devices import Device
from tuner.workers.precision import policy, remembered

AMX, VECTORS, NEITHER = (Device("cpu", "", "a processor", bfloat16=what) for what in ("amx", "avx512", ""))
ELSEWHERE = Device("cpu", "", "a processor", bfloat16="avx512", node="b")
GPU = Device("gpu", "0", "a GPU")


def silent(line: str) -> None:
    """For where nothing may be measured."""
    pytest.fail(line)


@pytest.mark.parametrize(
    ("wanted", "devices", "expected"),
    [
        ("float32", [AMX], "float32"),
        ("bfloat16", [NEITHER], "mixed_bfloat16"),
        ("auto", [AMX, AMX], "mixed_bfloat16"),
        ("auto", [AMX, VECTORS], "float32"),
        ("auto", [NEITHER], "float32"),
        ("auto", [GPU], "float32"),
        ("auto", [ELSEWHERE], "float32"),
    ],
)
def test_what_needs_no_measurement(wanted: str, devices: list[Device], expected: str, tmp_path: Path) -> None:
    assert policy(wanted, devices, tmp_path, silent, side=28) == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"), [((39.0, 28.0), "mixed_bfloat16"), ((39.0, 37.0), "float32")]
)
def test_what_was_measured_once_decides(
    milliseconds: tuple[float, float], expected: str, tmp_path: Path
) -> None:
    file = remembered(tmp_path)
    file.parent.mkdir()
    file.write_text(json.dumps(dict(zip(("float32", "mixed_bfloat16"), milliseconds, strict=True))))
    assert policy("auto", [VECTORS], tmp_path, silent, side=28) == expected
    assert policy("auto", [VECTORS], tmp_path, silent, side=28, probe=False) == "float32"
    assert policy("auto", [VECTORS], tmp_path, silent, side=8) == "float32"


def test_where_nothing_can_be_measured_it_is_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keras.py").write_text("raise ImportError('damaged')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    said: list[str] = []
    assert policy("auto", [VECTORS], tmp_path / "cache", said.append, side=28) == "float32"
    assert len(said) == 1
    assert not remembered(tmp_path / "cache").exists()


@pytest.mark.slow
def test_a_step_is_measured_once(tmp_path: Path) -> None:
    said: list[str] = []
    first = policy("auto", [VECTORS], tmp_path, said.append, side=28)
    times = json.loads(remembered(tmp_path).read_text())
    assert set(times) == {"float32", "mixed_bfloat16"}
    assert min(times.values()) > 0
    assert len(said) == 1
    assert policy("auto", [VECTORS], tmp_path, silent, side=28) == first
