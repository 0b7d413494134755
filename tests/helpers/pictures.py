"""Made pictures, as the search for near-copies meets them: photographs, frames of a scene, silhouettes."""

from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Images = NDArray[np.uint8]


def photographs(n: int, side: int = 32, seed: int = 0) -> Images:
    """Grey pictures with as much in the large as in detail, all different: uint8 (n, side, side, 1)."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    result = np.zeros((n, side, side))
    for scale in (1, 2, 4, 8):
        part = gaussian_filter(rng.normal(size=(n, side, side)), (0, scale * side / 32, scale * side / 32))
        result += scale**0.5 * part / part.std()
    return np.clip(128 + 16 * result, 0, 255).astype(np.uint8)[..., None]


def few_scenes(scenes: int, frames: int, seed: int = 0) -> tuple[Images, NDArray[np.int64]]:
    """Frames of few photographs, each a little brighter and noisier than the last; and their scenes."""
    rng = np.random.default_rng(seed)
    scene = np.repeat(np.arange(scenes), frames)
    pictures = photographs(scenes, seed=seed)[scene].astype(float)
    pictures *= rng.uniform(0.9, 1.1, (len(scene), 1, 1, 1))
    return np.clip(pictures + rng.normal(0, 4, pictures.shape), 0, 255).astype(np.uint8), scene


def panning(
    scenes: int, frames: int, step: float, side: int = 64, seed: int = 0
) -> tuple[Images, NDArray[np.int64]]:
    """Frames of a camera that moves over wide pictures, `step` pixels at a time; and their scenes."""
    from scipy.ndimage import gaussian_filter

    rng, wide, found = np.random.default_rng(seed), 8 * side, []
    for _ in range(scenes):
        picture = np.zeros((wide, wide))
        for scale in (1, 2, 4, 8, 16):
            part = gaussian_filter(rng.normal(size=(wide, wide)), scale * side / 64, mode="wrap")
            picture += scale**0.5 * part / part.std()
        picture = np.tile(128 + 16 * picture, (2, 2))
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.05, frames))
        moved = np.cumsum(step * np.stack([np.cos(angles), np.sin(angles)], 1), axis=0)
        corners = np.round(rng.uniform(0, wide, 2) + moved).astype(int) % wide
        found += [picture[y : y + side, x : x + side] for y, x in corners]
    noisy = np.array(found) + rng.normal(0, 3, (len(found), side, side))
    scene = np.repeat(np.arange(scenes), frames)
    return np.clip(noisy, 0, 255).astype(np.uint8)[..., None], scene


def silhouettes(n: int, seed: int = 0, side: int = 28) -> Images:
    """Garments: an outline that hardly varies, a texture of each one's own; uint8 (n, side, side, 1)."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:side, :side] + 0.5
    top, wide, tail = (rng.normal(mean, 0.5, (n, 1, 1)) for mean in (3, 6, 3))
    height = (row - top) / (side - 4)
    inside = (height > 0) & (height < 1) & (np.abs(column - side / 2) < wide + tail * height)
    texture = gaussian_filter(rng.normal(size=(n, side, side)), (0, 1, 1))
    pictures = inside * (160 + 25 * texture / texture.std())
    smooth: NDArray[np.float64] = gaussian_filter(pictures, (0, 0.5, 0.5))
    return np.clip(smooth, 0, 255).astype(np.uint8)[..., None]


def tiles(folder: Path, side: int = 48) -> None:
    """Four classes of pieces of the two photographs that scikit-learn brings, in colour and in grey."""
    from sklearn.datasets import load_sample_image

    for name in ("china", "flower"):
        photograph = Image.fromarray(load_sample_image(f"{name}.jpg"))
        places = product(range(0, photograph.height - side, side), range(0, photograph.width - side, side))
        for number, (top, left) in enumerate(places):
            piece = photograph.crop((left, top, left + side, top + side))
            path = folder / (name if number % 2 else f"{name}-grey") / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            (piece if number % 2 else piece.convert("L")).save(path)
