from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.datasets import load
from tuner.datasets.base import DataOptions, Dataset

Load = Callable[..., Dataset]


def left(data: Dataset) -> dict[str, int]:
    """How many things of each kind the audit names as not used."""
    return {item["why"]: item["count"] for item in data.audit["reading"]["unused"]}


def row(data: Dataset, term: str) -> str:
    """A row of what the audit says of the reading."""
    return str(dict(data.audit["reading"]["rows"])[term])


@pytest.fixture(autouse=True)
def _no_downloaded_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides from tests the data that Keras may have downloaded on this machine."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def options(tmp_path: Path) -> DataOptions:
    return DataOptions(tmp_path / "data", tmp_path / "cache", download=False)


@pytest.fixture
def load_data(options: DataOptions) -> Load:
    """`load_data("asl")`, `load_data(path, label_column="sign")`."""
    from dataclasses import replace

    def loading(name_or_path: str | Path, **more: object) -> Dataset:
        return load(str(name_or_path), replace(options, **more))  # type: ignore[arg-type]

    return loading


@pytest.fixture
def labels_of_test() -> Callable[[Dataset], NDArray[np.int32]]:
    """The labels of the test images, straight from the cache."""

    def read(dataset: Dataset) -> NDArray[np.int32]:
        labels: NDArray[np.int32] = np.load(dataset.directory / "test_labels.npy")
        return labels

    return read
