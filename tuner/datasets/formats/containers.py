"""Files that hold arrays by name: NumPy archives, HDF5 and MATLAB's files; none runs code when it is read."""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.datasets.formats import npz
from tuner.datasets.formats.files import MAX_ENTRY_BYTES, Entry, Reader, refusing
from tuner.errors import DataError

FOREIGN = (".h5", ".hdf5", ".mat")
CONTAINERS = (".npz", *FOREIGN)


def names_in(reader: Reader, entry: Entry) -> list[str]:
    """Names of the arrays in a file; those inside groups or structures as "group_name"."""
    if entry.base.endswith(".npz"):
        return npz.names_in(reader, entry)
    return list(_arrays(reader, entry, ()))


def read_arrays(reader: Reader, entry: Entry, wanted: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Those of the `wanted` arrays (names in lower case) that the file has.

    Raises:
        DataError: unreadable, Python objects, or more than fits into memory.
    """
    if entry.base.endswith(".npz"):
        return npz.read_arrays(reader, entry, wanted)
    return {
        name.lower(): array for name, array in _arrays(reader, entry, wanted).items() if array is not None
    }


def _arrays(reader: Reader, entry: Entry, wanted: Sequence[str]) -> dict[str, NDArray[Any] | None]:
    """All names, with the arrays of those that are wanted."""
    data = reader.read(entry)
    with refusing(entry):
        if (
            entry.base.endswith(".mat")
            and not data[:128].startswith(b"MATLAB 7.3")
            and data[:4] != b"\x89HDF"
        ):
            return _of_matlab(data, wanted)
        return dict(_of_hdf5(data, entry, wanted, turned=entry.base.endswith(".mat")))


def _of_matlab(data: bytes, wanted: Sequence[str]) -> dict[str, NDArray[Any] | None]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        found = loadmat(io.BytesIO(data), simplify_cells=True)
    except (MatReadError, NotImplementedError) as error:
        raise ValueError(str(error)) from None
    flat = _flat({name: value for name, value in found.items() if not name.startswith("__")}, "")
    return {name: array if name.lower() in wanted else None for name, array in flat}


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}_")
        elif isinstance(value, np.ndarray):
            yield prefix + name, value.astype(str) if value.dtype == object else value


def _of_hdf5(
    data: bytes, entry: Entry, wanted: Sequence[str], *, turned: bool
) -> Iterator[tuple[str, NDArray[Any] | None]]:
    """`turned`: MATLAB writes the axes the other way round."""
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(io.BytesIO(data), "r") as file:
        # Follows no link out of the file.
        file.visititems(
            lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None
        )
        for name, item in found.items():
            plain = name.replace("/", "_")
            if plain.lower() not in wanted:
                yield plain, None
                continue
            if (
                item.is_virtual
                or item.external
                or math.prod(item.shape) * item.dtype.itemsize > MAX_ENTRY_BYTES
            ):
                raise DataError(
                    f"{entry}: array {name!r} of shape {item.shape} lies elsewhere or is too large"
                )
            array = item.asstr()[()].astype(str) if item.dtype.kind == "O" else item[()]
            yield plain, np.asarray(array.T if turned else array)
