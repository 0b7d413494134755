"""Downloads: verified by their published checksum, and on disk whole or not at all."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlparse

from tuner.datasets.base import Progress
from tuner.errors import DataError

_TIMEOUT = 30.0
_BLOCK = 1 << 18


@dataclass(frozen=True)
class Download:
    """A public file.

    Attributes:
        url: https address.
        name: file name it gets.
        algorithm: of the checksum, as `hashlib` names it.
        checksum: hexadecimal, as its publisher gives it.
    """

    url: str
    name: str
    algorithm: str
    checksum: str


def fetch(download: Download, folder: Path, progress: Progress) -> Path:
    """Downloads a file into `folder`.

    Raises:
        DataError: no network, another answer than the file, or a wrong checksum; nothing is left behind.
    """
    target = folder / download.name
    temporary = folder / f".{download.name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digest = _stream(download, temporary, progress)
        if digest != download.checksum:
            raise _failed(
                download, folder, f"its {download.algorithm} checksum is {digest}, not {download.checksum}"
            )
        temporary.replace(target)
    except (OSError, ValueError) as error:  # urllib's errors are OSErrors, a bad address a ValueError
        if isinstance(error, HTTPError):
            error.close()
        raise _failed(download, folder, str(getattr(error, "reason", error))) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def fetch_from_kaggle(handle: str, names: tuple[str, ...], folder: Path, progress: Progress) -> list[Path]:
    """Downloads a public data set with kagglehub, and copies the named files into `folder`.

    Raises:
        DataError: kagglehub is not installed, or did not deliver those files.
    """
    by_hand = f"or put {' and '.join(names)} from https://www.kaggle.com/datasets/{handle} into {folder}"
    try:
        import kagglehub
    except ImportError:
        raise DataError(
            f"the download from Kaggle needs kagglehub: pip install '.[kaggle]'\n{by_hand}"
        ) from None
    progress(f"downloading {handle} from Kaggle")
    try:
        found = Path(kagglehub.dataset_download(handle))
        sources = [_locate(found, name) for name in names]
        folder.mkdir(parents=True, exist_ok=True)
        return [_copy(source, folder / name) for source, name in zip(sources, names, strict=True)]
    except Exception as error:  # kagglehub raises whatever its HTTP and login layers do
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"cannot download {handle} from Kaggle: {why}\n{by_hand}") from error


def _stream(download: Download, temporary: Path, progress: Progress) -> str:
    from urllib.request import Request, urlopen

    if urlparse(download.url).scheme not in {"http", "https"}:
        raise ValueError(f"{download.url!r} is no web address")
    request = Request(download.url, headers={"User-Agent": "tune-images"})  # noqa: S310  # checked above
    digest = hashlib.new(download.algorithm, usedforsecurity=False)
    with urlopen(request, timeout=_TIMEOUT) as answer, temporary.open("wb") as file:  # noqa: S310
        total = int(answer.headers.get("Content-Length") or 0)
        _copy_stream(answer, file, digest.update, _Bar(download.name, total, progress))
        if total and file.tell() != total:
            raise OSError(f"the connection ended after {file.tell()} of {total} bytes")
    return digest.hexdigest()


class _Bar:
    """Says how far a download is: at each percent, and at most five times a second."""

    def __init__(self, name: str, total: int, progress: Progress) -> None:
        self.name, self.total, self.progress = name, total, progress
        self.done, self.said = 0, 0.0

    def __call__(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if now - self.said < 0.2 and self.done != self.total:
            return
        self.said = now
        share = (
            f"{self.done / self.total:4.0%} of {self.total / 1e6:.1f} MB"
            if self.total
            else f"{self.done / 1e6:.1f} MB"
        )
        self.progress(f"downloading {self.name}: {share}")


def _copy_stream(source: IO[bytes], target: IO[bytes], digest: Callable[[bytes], object], bar: _Bar) -> None:
    while block := source.read(_BLOCK):
        target.write(block)
        digest(block)
        bar(len(block))


def _locate(folder: Path, name: str) -> Path:
    for path in sorted(folder.rglob(name)):
        return path
    raise DataError(f"{name} is not in what was downloaded")


def _copy(source: Path, target: Path) -> Path:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _failed(download: Download, folder: Path, why: str) -> DataError:
    return DataError(
        f"cannot download {download.url}: {' '.join(why.split())[:200]}\n"
        f"try again with a network, or put {download.name} into {folder} by hand"
    )
