import hashlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.builders import csv_text, cycle, noise, npz_bytes, pixel_header, write
from tuner.datasets import quiet
from tuner.datasets.base import DataOptions
from tuner.datasets.named import mnist
from tuner.datasets.named.asl import SOURCE as ASL
from tuner.datasets.named.download import Download, fetch
from tuner.datasets.prepare import prepared
from tuner.errors import DataError

FILES: dict[str, bytes] = {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = FILES.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) + (1000 if "cut" in self.path else 0)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    FILES.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def of(url: str, data: bytes) -> Download:
    return Download(url, url.rsplit("/", 1)[1], "sha256", hashlib.sha256(data).hexdigest())


def test_a_file_arrives_whole_with_progress(server: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 8000
    FILES["/big.bin"] = data
    said: list[str] = []
    path = fetch(of(f"{server}/big.bin", data), tmp_path / "new" / "folder", said.append)
    assert path.read_bytes() == data
    assert said[-1] == "downloading big.bin: 100% of 2.0 MB"


@pytest.mark.parametrize("trouble", ["missing", "checksum", "cut", "refused", "address"])
def test_what_does_not_arrive_leaves_nothing_behind(server: str, tmp_path: Path, trouble: str) -> None:
    FILES["/a.bin"] = FILES["/cut.bin"] = b"other"
    url = {
        "missing": f"{server}/none.bin",
        "checksum": f"{server}/a.bin",
        "cut": f"{server}/cut.bin",
        "refused": "http://127.0.0.1:9/a.bin",
        "address": "file:///etc/passwd",
    }[trouble]
    with pytest.raises(DataError, match="cannot download") as error:
        fetch(of(url, b"other" if trouble == "cut" else b"right"), tmp_path, quiet)
    assert len(str(error.value).splitlines()) == 2
    assert f"into {tmp_path} by hand" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_mnist_downloads_itself_once(server: str, options: DataOptions) -> None:
    data = npz_bytes(
        x_train=noise(60, (28, 28)),
        y_train=cycle(60, 10),
        x_test=noise(20, (28, 28), 1),
        y_test=cycle(20, 10),
    )
    FILES["/mnist.npz"] = data
    source = replace(mnist.SOURCE, downloads=(of(f"{server}/mnist.npz", data),))
    first = prepared(source, replace(options, download=True), quiet)
    assert first.name == "mnist"
    assert (options.data_dir / "mnist" / "mnist.npz").read_bytes() == data
    FILES.clear()
    assert prepared(source, replace(options, download=True), quiet).directory == first.directory


def test_published_addresses_and_checksums() -> None:
    for source in (mnist.SOURCE, mnist.FASHION):
        for download in source.downloads:
            assert download.url.startswith("https://storage.googleapis.com/tensorflow/tf-keras-datasets/")
            assert len(download.checksum) == 2 * hashlib.new(download.algorithm).digest_size


def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A kagglehub to import, in place of the real one."""
    write(tmp_path / "site" / "kagglehub.py", f"def dataset_download(handle):\n    {body}\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "kagglehub", raising=False)


def test_sign_language_comes_from_kaggle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: DataOptions
) -> None:
    labels = cycle(120, 24) + (cycle(120, 24) >= 9)
    for split in ("train", "test"):
        text = csv_text(noise(120, (28, 28, 1)), labels, header=pixel_header(784))
        write(tmp_path / "kept" / "deep" / f"sign_mnist_{split}.csv", text)
    kaggle(tmp_path, monkeypatch, f"return {str(tmp_path / 'kept')!r}")
    data = prepared(ASL, replace(options, download=True), quiet)
    assert len(data.train_images) == 120
    assert sorted(path.name for path in (options.data_dir / "asl").iterdir()) == [
        "sign_mnist_test.csv",
        "sign_mnist_train.csv",
    ]
    monkeypatch.delitem(sys.modules, "kagglehub", raising=False)


@pytest.mark.parametrize("body", ["raise RuntimeError('401: no credentials')", "return '/nowhere/at/all'"])
def test_trouble_with_kaggle_gives_the_manual_steps(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: DataOptions
) -> None:
    kaggle(tmp_path, monkeypatch, body)
    with pytest.raises(
        DataError, match=r"cannot download[\s\S]*or put sign_mnist_train.csv and .* from https"
    ):
        prepared(ASL, replace(options, download=True), quiet)
    monkeypatch.delitem(sys.modules, "kagglehub", raising=False)


def test_without_kagglehub(monkeypatch: pytest.MonkeyPatch, options: DataOptions) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError, match=r"pip install '\.\[kaggle\]'[\s\S]*or put"):
        prepared(ASL, replace(options, download=True), quiet)
    assert not np.any([options.data_dir.exists()])
