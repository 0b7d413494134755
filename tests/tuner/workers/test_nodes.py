"""Which cluster is joined, and what nodes keep: as far as that needs no cluster."""

import os
import socket
import time
from pathlib import Path

import pytest

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
