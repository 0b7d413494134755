"""Small data sets in every format, as a user would have them."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]


def noise(n: int, shape: Sequence[int] = (8, 8, 1), seed: int = 0) -> Images:
    """Images that have nothing in common."""
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def cycle(n: int, classes: int) -> NDArray[np.int64]:
    """Labels 0, 1, 2, … over and over."""
    return np.arange(n) % classes


def csv_text(
    images: Images, labels: Iterable[Any] | None, *, header: Sequence[str] | None = None, last: bool = False
) -> str:
    rows = [[str(value) for value in image.ravel()] for image in images]
    if labels is not None:
        rows = [
            [*row, str(label)] if last else [str(label), *row]
            for row, label in zip(rows, labels, strict=True)
        ]
    lines = [",".join(row) for row in rows]
    return "\n".join([",".join(header), *lines] if header else lines) + "\n"


def pixel_header(values: int, label: str | None = "label", *, last: bool = False) -> list[str]:
    names = [f"pixel{i + 1}" for i in range(values)]
    if label is None:
        return names
    return [*names, label] if last else [label, *names]


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    return (
        b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    )


def write(path: Path, content: str | bytes, packing: str = "plain") -> Path:
    """Writes a file plain, gzipped ("gz") or inside an archive beside it ("zip")."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    if packing == "gz":
        path = path.with_name(path.name + ".gz")
        path.write_bytes(gzip.compress(data, 1))
    elif packing == "zip":
        archive = path.with_name("archive.zip")
        with zipfile.ZipFile(archive, "a") as file:
            file.writestr(f"inside/{path.name}", data)
        return archive
    else:
        path.write_bytes(data)
    return path


def npz_bytes(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def png_bytes(pixels: Images, **options: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A small file that claims so many grey pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


def image_folder(root: Path, images: Images, labels: Iterable[Any], prefix: str = "") -> Path:
    """root/<prefix>/<label>/<number>.png"""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        write(root / prefix / str(label) / f"{number:03}.png", png_bytes(image))
    return root
