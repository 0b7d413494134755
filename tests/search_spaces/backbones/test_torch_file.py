"""Files in PyTorch's old format, written here by the plain pickler, as PyTorch writes them."""

import collections
import datetime as dt
import hashlib
import io
import pickle
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from search_spaces.backbones import torch_file
from search_spaces.backbones.torch_file import WeightsFileError

VALUES = np.arange(24, dtype="<f4")


class _Tensor:
    """Pickled as PyTorch pickles one; its storage has the key "0"."""

    def __init__(self, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> None:
        self.view = (offset, shape, strides)

    def __reduce__(self) -> Any:
        offset, shape, strides = self.view
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (_Storage(), offset, shape, strides, False, collections.OrderedDict())


class _Storage:
    """Stands for the values of all tensors here."""


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, _Storage):
            return ("storage", sys.modules["torch"].FloatStorage, "0", "cpu", len(VALUES), None)
        return None


def _module(name: str, **attributes: Any) -> ModuleType:
    module = ModuleType(name)
    for key, value in attributes.items():
        value.__module__, value.__qualname__ = name, key
        setattr(module, key, value)
    return module


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules by the names of PyTorch's, for the pickler to refer to."""
    storage = type("FloatStorage", (), {})
    monkeypatch.setitem(sys.modules, "torch", _module("torch", FloatStorage=storage))
    rebuild = _module("torch._utils", _rebuild_tensor_v2=lambda *_: None)
    monkeypatch.setitem(sys.modules, "torch._utils", rebuild)


def content(tensors: dict[str, Any], values: bytes = VALUES.tobytes()) -> bytes:
    file = io.BytesIO()
    for part in (
        torch_file.MAGIC,
        torch_file.PROTOCOL,
        {"little_endian": True},
        collections.OrderedDict(tensors),
        ["0"],
    ):
        _Pickler(file, protocol=2).dump(part)
    return file.getvalue() + struct.pack("<q", len(VALUES)) + values


def parse(tensors: dict[str, Any]) -> dict[str, Any]:
    return torch_file.parse(io.BytesIO(content(tensors)))


def test_tensors_are_views_by_their_strides() -> None:
    arrays = parse(
        {"rows": _Tensor((4, 6), (6, 1)), "columns": _Tensor((4, 6), (1, 4)), "one": _Tensor((), (), 5)}
    )
    np.testing.assert_array_equal(arrays["rows"], VALUES.reshape(4, 6))
    np.testing.assert_array_equal(arrays["columns"], VALUES.reshape(6, 4).T)
    assert arrays["one"] == 5


@pytest.mark.parametrize("view", [((4, 7), (6, 1)), ((2, 2), (-1, 1)), ((25,), (1,))])
def test_a_view_beyond_the_values_is_refused(view: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(WeightsFileError, match="beyond the end"):
        parse({"w": _Tensor(*view)})


@pytest.mark.parametrize(
    ("thing", "named"),
    [
        (dt.date(2020, 1, 1), r"datetime\.date"),
        (eval, r"__builtin__\.eval"),
        (io.BytesIO, r"_io\.BytesIO"),
    ],
)
def test_a_pickle_that_names_anything_else_is_refused(thing: Any, named: str) -> None:
    with pytest.raises(WeightsFileError, match=f"it names {named}"):
        parse({"w": thing})


def test_a_call_in_a_pickle_is_not_made(tmp_path: Path) -> None:
    class Malice:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "made",)

    with pytest.raises(WeightsFileError, match="it names"):
        parse({"w": Malice()})
    assert not (tmp_path / "made").exists()


def test_values_that_end_too_soon_are_refused() -> None:
    whole = content({"w": _Tensor((24,), (1,))})
    with pytest.raises(WeightsFileError, match="end too soon"):
        torch_file.parse(io.BytesIO(whole[:-1]))


@pytest.mark.parametrize("damaged", [b"", b"no pickle at all", pickle.dumps(5)])
def test_something_else_is_refused(damaged: bytes) -> None:
    with pytest.raises(WeightsFileError):
        torch_file.parse(io.BytesIO(damaged))


def test_a_changed_byte_is_one_error_and_nothing_is_loaded(tmp_path: Path) -> None:
    good = content({"w": _Tensor((24,), (1,))})
    file = tmp_path / "weights.pth"
    file.write_bytes(good)
    digest = hashlib.sha256(good).hexdigest()
    assert list(torch_file.read(file, digest)) == ["w"]
    file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(WeightsFileError) as caught:
        torch_file.read(file, digest)
    assert "not the file it should be" in str(caught.value)
    assert str(file) in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
