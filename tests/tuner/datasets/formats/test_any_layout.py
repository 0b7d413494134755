"""One data set in every layout and spelling; no folder is read without accounting for every file."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.helpers.builders import csv_text, idx_bytes, noise, npz_bytes, pixel_header, png_bytes, write
from tuner.datasets import load
from tuner.datasets.base import DataOptions, Dataset
from tuner.errors import DataError, UsageError


@contextmanager
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def loaded(path: Path, folder: Path, **more: object) -> Dataset:
    options = DataOptions(folder / "none", folder / "cache", download=False)
    return load(str(path), replace(options, **more))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Drawn:
    """Images and labels of a training and a test split."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def splits(self) -> tuple[tuple[str, np.ndarray, np.ndarray], ...]:
        return (("train", self.x, self.y), ("test", self.x_test, self.y_test))


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    classes, side = draw(st.integers(2, 4)), draw(st.integers(4, 9))
    seed = draw(st.integers(0, 10**6))
    n = classes * draw(st.integers(6, 9))
    rng = np.random.default_rng(seed)
    labels, test = np.arange(n) % classes, np.arange(classes * 3) % classes
    x = noise(n, (side, side, 1), seed)
    x[0, 0, 0], x[0, 0, 1] = 0, 255
    return Drawn(
        x, rng.permutation(labels), noise(len(test), (side, side, 1), seed + 1), rng.permutation(test)
    )


SPELLINGS = {
    "train": st.sampled_from(["train", "Training", "seg_train", "train_images", "TRAIN SET", "trainset"]),
    "test": st.sampled_from(["test", "Testing", "seg_test", "test_images", "TEST SET", "testset"]),
}


def folders(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    for split, images, labels in data.splits:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            write(root / names[split] / f"c{label}" / f"{i:03}.png", png_bytes(image))
    return root


def inside(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    for split, images, labels in data.splits:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            write(root / f"c{label}" / names[split] / f"{i:03}.png", png_bytes(image))
    return root


def csvs(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    header = pixel_header(data.x[0].size)
    for split, images, labels in data.splits:
        write(
            root / f"{names[split]}.csv", csv_text(images, [f"c{label}" for label in labels], header=header)
        )
    return root


def arrays(data: Drawn) -> dict[str, np.ndarray]:
    texts = [np.array([f"c{label}" for label in labels]) for labels in (data.y, data.y_test)]
    return {"x_train": data.x, "y_train": texts[0], "x_test": data.x_test, "y_test": texts[1]}


def archives(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    return write(root / "d.npz", npz_bytes(**arrays(data)))


def fractions(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    return archives(root, replace(data, x=data.x / 255, x_test=data.x_test / 255), names)


def by_position(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    found = [array[..., 0] if array.ndim == 4 else array for array in arrays(data).values()]
    return write(root / "d.npz", npz_bytes(**{f"arr_{i}": array for i, array in enumerate(found)}))


def pairs(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    root.mkdir()
    for name, array in arrays(data).items():
        np.save(root / f"{name}.npy", array)
    return root


def pairs_of_csvs(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    for split, images, labels in data.splits:
        write(root / f"{names[split]} x.csv", csv_text(images, None))
        write(root / f"{names[split]} y.csv", "\n".join(f"c{label}" for label in labels))
    return root


def beside(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    return csvs(root, data, names) / f"{names['train']}.csv"


def utf16(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    for path in csvs(root, data, names).iterdir():
        path.write_bytes(path.read_text().replace(",", ";").encode("utf-16"))
    return root


def idx(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    for split, images, labels in data.splits:
        stem = names[split].replace(" ", "-")
        write(root / f"{stem}-images-idx3-ubyte", idx_bytes(images[..., 0]), "gz")
        write(root / f"{stem}-labels-idx1-ubyte", idx_bytes(labels.astype(np.uint8)), "gz")
    return root


def hdf5(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    import h5py

    root.mkdir()
    with h5py.File(root / "d.h5", "w") as file:
        for split, images, labels in data.splits:
            file[f"{split}/images"] = images
            file[f"{split}/labels"] = [f"c{label}" for label in labels]
    return root


def matlab(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    from scipy.io import savemat

    root.mkdir()
    for split, images, labels in data.splits:
        stem = names[split].replace(" ", "_")
        savemat(root / f"{stem}.mat", {"X": np.moveaxis(images, 0, -1), "y": labels[:, None]})
    return root


def parquet(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    root.mkdir()
    for split, images, labels in data.splits:
        rows = [{"bytes": png_bytes(image), "path": None} for image in images]
        table = pa.table({"image": rows, "label": [f"c{label}" for label in labels]})
        pq.write_table(table, root / f"{names[split]}-00000-of-00001.parquet")
    return root


def packed(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    rows = ["emotion,pixels,Usage"]
    for split, images, labels in data.splits:
        for image, label in zip(images, labels, strict=True):
            rows.append(f"c{label},{' '.join(map(str, image.ravel()))},{names[split]}")
    return write(root / "d.csv", "\n".join(rows))


def one_hot(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    classes = range(int(data.y.max()) + 1)
    pixels = pixel_header(data.x[0].size, None)
    for split, images, labels in data.splits:
        rows = [",".join([*(f"c{c}" for c in classes), *pixels])]
        for image, label in zip(images, labels, strict=True):
            rows.append(",".join([*(str(int(c == label)) for c in classes), *map(str, image.ravel())]))
        write(root / f"{names[split]}.csv", "\n".join(rows))
    return root


def listed(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    rows = ["file,kind,split"]
    for split, images, labels in data.splits:
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            write(root / "img" / f"{split}{i}.png", png_bytes(image))
            rows.append(f"{split}{i},c{label},{names[split]}")
    write(root / "list.csv", "\n".join(rows))
    return root


def zipped(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    return Path(shutil.make_archive(str(root.parent / "packed"), "zip", folders(root, data, names)))


def tarred(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    return Path(shutil.make_archive(str(root.parent / "packed"), "gztar", folders(root, data, names)))


def an_archive_a_split(root: Path, data: Drawn, names: dict[str, str]) -> Path:
    folders(root.parent / "plain", data, names)
    root.mkdir()
    for split in ("train", "test"):
        shutil.make_archive(str(root / names[split]), "zip", root.parent / "plain" / names[split])
    return root


LAYOUTS: tuple[Callable[[Path, Drawn, dict[str, str]], Path], ...] = (
    *(folders, inside, zipped, tarred, an_archive_a_split, listed, parquet),
    *(csvs, beside, utf16, pairs_of_csvs, packed, one_hot),
    *(archives, fractions, by_position, pairs, idx, hdf5, matlab),
)


def content(images: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> list[tuple[bytes, str]]:
    """Images with the numbers of their classes, which some formats hold alone."""
    pairs = zip(images, labels, strict=True)
    return sorted((bytes(image), names[label].removeprefix("c")) for image, label in pairs)


@settings(  # a failing example is as small as they come: to look for a smaller one takes minutes
    max_examples=4,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(drawn(), st.fixed_dictionaries(SPELLINGS))
def test_one_data_set_in_every_layout(data: Drawn, names: dict[str, str]) -> None:
    if ("seg" in names["train"]) != ("seg" in names["test"]):
        names = {"train": "seg_train", "test": "seg_test"}
    known = tuple(f"c{label}" for label in range(10))
    for layout in LAYOUTS:
        with place() as folder:
            found = loaded(layout(folder / "d", data, names), folder)
            told = np.load(found.directory / "test_labels.npy")
            ours = content(found.train_images, found.train_labels, found.class_names)
            assert ours == content(data.x, data.y, known), layout
            theirs = content(found.test_images, told, found.class_names)
            assert theirs == content(data.x_test, data.y_test, known), layout
            assert found.audit["reading"]["unused"] == [], layout


MIXED = st.sampled_from(
    [
        *(
            "train.csv",
            "test.csv",
            "data.csv",
            "labels.csv",
            "list.csv",
            "val.npz",
            "train.npz",
            "y_train.npy",
        ),
        *(
            "x_train.npy",
            "model.h5",
            "pets.zip",
            "train.zip",
            "notes.txt",
            "train.parquet",
            "bad.csv",
            "Testing.csv",
        ),
    ]
)


def mixed(path: Path, number: int) -> None:
    """A file of arrays or images, or none, as its name says."""
    x, y = noise(12, seed=number), np.arange(12) % 2
    kind = path.name
    if kind in {"bad.csv", "notes.txt", "train.parquet", "model.h5"}:
        write(path, "words, and more\nwords")
    elif kind.endswith(".csv"):
        rows = csv_text(x, y, header=pixel_header(64)) if "l" not in kind else "\n".join(map(str, y))
        write(path, rows)
    elif kind.endswith(".npz"):
        write(path, npz_bytes(x=x, y=y))
    elif kind.endswith(".npy"):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, y if kind.startswith("y") else x)
    else:
        inside = path.parent.parent / "inside" / kind
        for i, image in enumerate(x):
            write(inside / f"c{y[i]}" / f"{i}.png", png_bytes(image))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.make_archive(str(path.with_suffix("")), "zip", inside)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(MIXED, min_size=1, max_size=5, unique=True), st.booleans(), st.booleans())
def test_no_mix_of_files_is_read_without_accounting_for_every_one(
    names: list[str], images: bool, one: bool
) -> None:
    with place() as folder:
        root = folder / "d"
        for number, name in enumerate(names):
            mixed(root / name, number)
        if images:
            for i, image in enumerate(noise(12, seed=99)):
                write(root / f"c{i % 2}" / f"{i}.png", png_bytes(image))
        archives = [name for name in names if name.endswith(".zip")]
        path = root / names[0] if one else root
        try:
            found = loaded(path, folder)
        except (DataError, UsageError):
            return
        told = found.audit["reading"]
        total = told["used"] + sum(item["count"] for item in told["unused"])
        assert len(found.train_images) + len(found.test_images) >= 12
        if not one:
            there = sum(entry.is_file() for entry in root.rglob("*"))
            assert total == there + 11 * len(archives)  # twelve files in each instead of it


WORD = st.sampled_from(
    [
        "train",
        "test",
        "val",
        "cat",
        "dog",
        "Cat",
        "seg_train",
        "seg_test",
        "images",
        "1",
        "01",
        "café",
        ".hidden",
        "@eaDir",
        "data",
    ]
)
Tree = list[tuple[list[str], str, int]]
BASES: list[Tree] = [
    [],
    [(["ant"], "png", 3), (["bee"], "png", 3)],
    [(["data", "ant"], "png", 3), (["data", "bee"], "png", 3)],
    [([split, kind], "png", 3) for split in ("train", "test") for kind in ("ant", "bee")],
    [([kind, split], "png", 3) for split in ("train", "test") for kind in ("ant", "bee")],
]
FILE = st.sampled_from(["png", "PNG", "txt", "xyz", "csv", "", "zero.png", "jpg"])


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(BASES),
    st.lists(st.tuples(st.lists(WORD, max_size=3), FILE, st.integers(1, 4)), min_size=1, max_size=4),
    st.sampled_from([None, "classes", "splits"]),
    st.sampled_from([None, "top", "leaf"]),
    st.sampled_from([None, "merge", "keep"]),
)
def test_no_folder_is_read_without_accounting_for_every_file(
    base: Tree, more: Tree, chosen: str | None, level: str | None, spellings: str | None
) -> None:
    with place() as folder:
        number = 0
        for parts, suffix, count in [*base, *more]:
            for _ in range(3 * count):
                number += 1
                name = f"{number:03}" + (f".{suffix}" if suffix else "")
                content = b"" if suffix.startswith("zero") else png_bytes(noise(1, seed=number)[0])
                write(
                    folder / "d" / Path(*parts) / name, b"a,b\n1,2\n" if suffix in {"csv", "txt"} else content
                )
        files = [path for path in (folder / "d").rglob("*") if path.is_file()]
        try:
            found = loaded(folder / "d", folder, folders=chosen, label_level=level, spellings=spellings)
        except (DataError, UsageError):
            return
        reading = found.audit["reading"]
        assert reading["used"] + sum(item["count"] for item in reading["unused"]) == len(files)
        assert all(item["example"] for item in reading["unused"])
        assert len(found.train_images) + len(found.test_images) <= reading["used"]
