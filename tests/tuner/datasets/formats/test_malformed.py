"""Files that are not what they should be: plain errors, never a traceback, never a partial cache."""

import gzip
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.builders import (
    csv_text,
    cycle,
    idx_bytes,
    image_folder,
    noise,
    npz_bytes,
    pixel_header,
    write,
)
from tests.tuner.datasets.conftest import Load
from tuner.datasets import cache, load
from tuner.datasets.base import DataOptions
from tuner.errors import DataError, UsageError

HEADER = pixel_header(64)
CSV = csv_text(noise(30), cycle(30, 2), header=HEADER)
NPZ = npz_bytes(x=noise(30), y=cycle(30, 2))
many = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def place():  # type: ignore[no-untyped-def]  # noqa: ANN201
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def attempt(path: Path, **more: Any) -> str:
    """Loads `path`; returns the message of the error, or ""."""
    options = replace(DataOptions(path.parent / "data", path.parent / "cache", download=False), **more)
    message = ""
    try:
        load(str(path), options)
    except (DataError, UsageError) as error:
        message = str(error)
    if message:
        assert 1 <= len(message.splitlines()) <= 3
        assert not message.lower().startswith("error")
        assert "Traceback" not in message
    for directory in (options.cache_dir / "datasets").glob("*"):
        assert cache.is_complete(directory) or directory.name.endswith(".lock"), directory
    return message


def mutate(data: bytes, draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    """Cuts, inserts, repeats or overwrites somewhere."""
    at: int = draw(st.integers(0, len(data)))
    more: bytes = draw(
        st.binary(max_size=6)
        | st.sampled_from([b",", b"\n", b'"', b"-1", b"256", b"1e9", b"\x00", b"nan", b",,"])
    )
    kind: str = draw(st.sampled_from(["cut", "insert", "overwrite", "drop"]))
    if kind == "cut":
        return data[:at]
    if kind == "insert":
        return data[:at] + more + data[at:]
    if kind == "drop":
        return data[:at] + data[at + draw(st.integers(1, 400)) :]
    return data[:at] + more + data[at + len(more) :]


@many
@given(st.data())
def test_damaged_csv_files(data: st.DataObject) -> None:
    with place() as folder:
        attempt(write(folder / "my.csv", mutate(CSV.encode(), data.draw)))


@many
@given(st.binary(max_size=300) | st.text(alphabet="0123456789,;\n\t\"'.-ab\r", max_size=200).map(str.encode))
def test_anything_called_csv(content: bytes) -> None:
    with place() as folder:
        attempt(write(folder / "my.csv", content))


@many
@given(st.data())
def test_damaged_archives_of_arrays(data: st.DataObject) -> None:
    with place() as folder:
        attempt(write(folder / "my.npz", mutate(NPZ, data.draw)))


@many
@given(st.data(), st.sampled_from(["gz", "zip", "idx", "png"]))
def test_other_damaged_files(data: st.DataObject, kind: str) -> None:
    with place() as folder:
        if kind == "gz":
            attempt(write(folder / "my.csv.gz", mutate(gzip.compress(CSV.encode(), 1), data.draw)))
        elif kind == "zip":
            root = image_folder(folder / "pets", noise(12), cycle(12, 2))
            archive = Path(shutil.make_archive(str(folder / "pets"), "zip", root))
            attempt(write(archive, mutate(archive.read_bytes(), data.draw)))
        elif kind == "idx":
            labels = write(folder / "labels-idx1-ubyte", idx_bytes(cycle(30, 2).astype(np.uint8)))
            images = idx_bytes(noise(30)[..., 0])
            attempt(write(folder / "images-idx3-ubyte", mutate(images, data.draw)), labels=labels)
        else:
            root = image_folder(folder / "pets", noise(12), cycle(12, 2))
            image = root / "0" / "000.png"
            attempt(write(image, mutate(image.read_bytes(), data.draw)).parents[1])


@settings(max_examples=20)
@given(
    st.one_of(
        st.tuples(st.just("label_column"), st.text(max_size=8)),
        st.tuples(st.just("group_column"), st.text(max_size=8)),
        st.tuples(st.just("group_regex"), st.text(max_size=8)),
        st.tuples(st.just("image_shape"), st.tuples(*[st.integers(1, 20)] * 3)),
    )
)
def test_any_option(option: tuple[str, Any]) -> None:
    with place() as folder:
        attempt(write(folder / "my.csv", CSV), **{option[0]: option[1]})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (",".join(HEADER), "has a header and no row of data"),
        (CSV.replace("\n", "\n1,2,3\n", 1), "data row 1 (from 1, header not counted): 3 values; expected 65"),
        (CSV + "1,2,3\n", "data row 31 (from 1, header not counted): 3 values; expected 65"),
        (CSV + "0," + "7," * 64 + "7\n", "data row 31 (from 1, header not counted): 66 values; expected 65"),
        (
            CSV + "0," + "7," * 63 + "256\n",
            "data row 31 (from 1, header not counted): '256' in column 'pixel64'",
        ),
        (CSV + "0," + "7," * 63 + "-1\n", "'-1' in column 'pixel64'; expected a whole number from 0 to 255"),
        (CSV + "0," + "7," * 63 + "1.5\n", "'1.5' in column 'pixel64'; expected a whole number"),
        (CSV + "0," + "7," * 63 + "1e44\n", "'1e+44' in column 'pixel64'; expected a whole number"),
        (CSV + "0," + "7," * 63 + "x\n", "'x' in column 'pixel64'; expected a whole number"),
        (CSV + "0," + "7," * 63 + "\n", "'' in column 'pixel64'; expected a whole number"),
        (
            CSV + "," + "7," * 63 + "7\n",
            "data row 31 (from 1, header not counted): nothing in column 'label'",
        ),
    ],
)
def test_what_is_wrong_with_which_row(tmp_path: Path, content: str, expected: str) -> None:
    file = write(tmp_path / "my.csv", content)
    message = attempt(file)
    assert expected in message
    assert str(file) in message


def test_errors_in_later_chunks_name_the_right_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.datasets.formats.csvs._CHUNK_VALUES", 65 * 7)
    lines = CSV.splitlines()
    lines[25] = lines[25].rsplit(",", 1)[0] + ",999"
    assert "data row 25 (from 1, header not counted): '999'" in attempt(
        write(tmp_path / "my.csv", "\n".join(lines))
    )
    lines[20] += ",1"
    assert "data row 20 (from 1, header not counted): 66 values" in attempt(
        write(tmp_path / "my.csv", "\n".join(lines))
    )


def test_labels_of_known_data_sets_must_be_numbers(options: DataOptions, load_data: Load) -> None:
    def message(label: object) -> str:
        labels = [*cycle(19, 10), label]
        write(
            options.data_dir / "mnist" / "train.csv",
            csv_text(noise(20, (28, 28, 1)), labels, header=pixel_header(784)),
        )
        with pytest.raises(DataError) as error:
            load_data("mnist")
        return str(error.value)

    assert (
        "data row 20 (from 1, header not counted): label 'cat' in column 'label'; expected a whole"
        in message("cat")
    )
    assert "label 10; expected 0 to 9" in message(10)
    assert "label '0.5'" in message(0.5)


def test_truncated_files(tmp_path: Path) -> None:
    packed = gzip.compress(CSV.encode())
    assert "ends too early" in attempt(write(tmp_path / "my.csv.gz", packed[: len(packed) // 2]))
    assert "cannot be read" in attempt(write(tmp_path / "my.zip", b"PK\x03\x04 no archive"))
    assert "cannot be read" in attempt(write(tmp_path / "my.npz", NPZ[: len(NPZ) // 2]))


def test_pickles_are_refused_and_not_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    for arrays in (
        {"x": np.array([Evil()] * 3, object), "y": cycle(3, 2)},
        {"x": noise(3), "y": np.array([Evil()], object)},
    ):
        file = write(tmp_path / "my.npz", npz_bytes(**arrays))
        assert "holds pickled Python objects" in attempt(file)
    assert not (tmp_path / "ran").exists()


def test_arrays_that_claim_more_than_they_hold(tmp_path: Path) -> None:
    file = tmp_path / "my.npz"
    with zipfile.ZipFile(file, "w") as archive, archive.open("x.npy", "w") as member:
        np.lib.format.write_array_header_1_0(
            member, {"shape": (10**9, 99), "fortran_order": False, "descr": "|u1"}
        )
    assert "claims shape (1000000000, 99), which does not match its size" in attempt(file)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (noise(30) / 100, cycle(30, 2), "expected whole numbers from 0 to 255"),
        (noise(30).astype(int) - 3, cycle(30, 2), "expected whole numbers from 0 to 255"),
        (noise(30).astype(int) + 70_000, cycle(30, 2), "expected whole numbers from 0 to 255"),
        (noise(30), cycle(29, 2), "30 images and 29 labels"),
        (noise(30), cycle(30, 2) + 0.5, "expected a whole number"),
        (noise(30), np.zeros((30, 3)), "expected one label an image"),
        (noise(30, (8, 5, 1)).reshape(30, 40), cycle(30, 2), "--image-shape"),
        (np.full((30, 8, 8), np.nan), cycle(30, 2), "value nan"),
        (np.array(["a"] * 30), cycle(30, 2), "expected whole numbers from 0 to 255"),
        (noise(30)[:0], cycle(0, 2), "no images"),
    ],
)
def test_arrays_that_are_no_images_or_labels(
    tmp_path: Path, x: np.ndarray, y: np.ndarray, expected: str
) -> None:
    assert expected in attempt(write(tmp_path / "my.npz", npz_bytes(x=x, y=y)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected 00 00 08"),
        (b"\0\0\x0d\x01\0\0\0\0", "expected 00 00 08"),
        (b"\0\0\x08\x03\0\0", "ends in its header"),
    ],
)
def test_idx_files_that_are_none(tmp_path: Path, content: bytes, expected: str) -> None:
    labels = write(tmp_path / "labels-idx1-ubyte", idx_bytes(cycle(30, 2).astype(np.uint8)))
    assert expected in attempt(write(tmp_path / "images-idx3-ubyte", content), labels=labels)
    short = idx_bytes(noise(30)[..., 0])[:-5]
    assert "holds 1915 values; expected 1920" in attempt(
        write(tmp_path / "images-idx3-ubyte", short), labels=labels
    )
