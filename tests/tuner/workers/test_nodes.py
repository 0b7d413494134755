"""Which cluster is joined, and what nodes keep: as far as that needs no cluster."""

import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from tuner.records import WorkContext
from tuner.training import feature_files
from tuner.workers.executors import nodes, staging


def test_only_a_cluster_that_this_user_has_started_is_joined_unnamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    note = tmp_path / "ray" / "ray_current_cluster"  # where `ray start` leaves the address
    note.parent.mkdir()
    assert nodes.running_here() is None
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        note.write_text(address)
        assert nodes.running_here() == address
        with monkeypatch.context() as other:
            other.setattr(os, "getuid", lambda: note.stat().st_uid + 1)
            assert nodes.running_here() is None
    assert nodes.running_here() is None  # it has ended, and left its address behind


def test_a_node_forgets_what_no_run_has_used_for_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    used, unused = (staging.root() / "cache" / "datasets" / name for name in ("used", "unused"))
    nobodys = 2**22 + 1  # above the largest number of a process
    left, late, own = (staging.root() / "runs" / f"{n}-1" for n in (nobodys, nobodys + 1, os.getpid()))
    for path in (used, unused, left, late, own):
        path.mkdir(parents=True)
        (path / "file").touch()
    for path, days in ((used, 6), (unused, 8), (left, 2), (own, 2)):
        then = time.time() - days * 86_400
        os.utime(path, (then, then))
    staging.clear_away()
    assert [path.exists() for path in (used, unused, left, late, own)] == [True, False, False, True, True]
    assert staging.kept() == [used]


def test_what_is_used_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = staging.Place("1-1", lambda content: content)
    parcel = staging.Parcel("cache/datasets/digits/train_labels.npy", b"labels")
    place.take([parcel])
    folder = place.here(parcel.path).parent
    os.utime(folder, (0, 0))
    place.take([parcel])
    staging.clear_away()
    assert place.here(parcel.path).read_bytes() == b"labels"


def test_features_that_a_node_has_computed_are_those_of_the_parents_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is found there by the same name, and what it has there is whole here."""
    user = tmp_path / "cache"
    context = WorkContext(
        str(tmp_path / "run"), str(user / "datasets" / "cats-1"), 2, "accuracy", False, "float32"
    )
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "node"))
    place = staging.Place("1-1", lambda content: content)
    stores = []
    for folder in (Path(context.dataset_dir), place.here(staging.dataset_path(context))):
        folder.mkdir(parents=True)
        (folder / "dataset.json").write_text('{"fingerprint": "1", "format": 1}')
        for part in ("train", "test"):
            np.save(folder / f"{part}_images.npy", np.zeros((300, 1, 1, 3), np.uint8))
        stores.append(feature_files.store(folder, {"network": "lite0"}, ({},)))
    here, there = stores
    for number, piece in enumerate(there.pieces()):
        place.begin()
        piece.write(np.full((piece.stop - piece.start, 2), number, np.float16))
        there.tell(feature_files.Facts(2, 10, 0.1))
        for parcel in place.written(features=True):
            path = staging.target(parcel.path, context)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(parcel.content)
    assert here.missing() == []
    assert here.facts() == there.facts()
    assert here.load(0, "train")[:, 0].tolist() == [0.0] * 256 + [1.0] * 44
