"""Image files of all sizes and modes."""

import io
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.builders import cycle, huge_png, image_folder, noise, png_bytes, write
from tests.tuner.datasets.conftest import Load
from tuner.datasets import quiet
from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.pictures import Pictures, decode
from tuner.errors import DataError


def decoded(
    tmp_path: Path, *images: Image.Image | bytes, shape: tuple[int, int, int] | None = None, kind: str = "PNG"
) -> Pictures:
    entries = []
    for number, image in enumerate(images):
        path = tmp_path / f"{number}.{kind.lower()}"
        if isinstance(image, bytes):
            path.write_bytes(image)
        else:
            image.save(path, kind)
        entries.append(Entry(path, path.name))
    with Reader() as reader:
        return decode(reader, entries, shape, quiet)


def test_one_size_is_kept_and_grey_stays_grey(tmp_path: Path) -> None:
    grey, colour = noise(2, (12, 10, 1)), noise(2, (12, 10, 3))
    found = decoded(tmp_path, *(Image.fromarray(image[..., 0]) for image in grey))
    assert (found.images == grey).all()
    assert found.notes == ()
    found = decoded(tmp_path, *(Image.fromarray(image) for image in colour))
    assert (found.images == colour).all()
    assert found.sizes == ((12, 10, 2),)


def test_mixed_sizes_become_the_median_size(tmp_path: Path) -> None:
    sizes = [(40, 30), (40, 30), (80, 60), (20, 40), (40, 30)]  # width, height
    found = decoded(tmp_path, *(Image.new("RGB", size, "red") for size in sizes))
    assert found.images.shape == (5, 30, 40, 3)
    assert (found.images == [255, 0, 0]).all()
    assert found.sizes[0] == (30, 40, 3)
    assert "2 images of another size were scaled to cover 30×40" in found.notes[0]


@pytest.mark.parametrize(("mode", "shape"), [("RGB", (2, 168, 224, 3)), ("L", (2, 96, 128, 1))])
def test_large_photographs_shrink_in_colour_to_224_and_in_grey_to_128(
    tmp_path: Path, mode: str, shape: tuple[int, ...]
) -> None:
    found = decoded(tmp_path, *(Image.new(mode, (640, 480)) for _ in range(2)), kind="JPEG")
    assert found.images.shape == shape


def test_photographs_of_twelve_megapixels_fit_into_little_memory(tmp_path: Path) -> None:
    """Eight of them at a time, decoded whole, would take 290 MB; JPEGs come at an eighth of their side.

    Those of a telephone that was held upright, which are stored lying, do as well.
    """
    image = Image.new("RGB", (4000, 3000), "blue")
    for number in range(16):
        exif = Image.Exif()
        exif[274] = 1 + 5 * (number % 2)
        image.save(tmp_path / f"{number}.jpg", exif=exif)
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tuner.datasets import quiet\n"
        "from tuner.datasets.formats.files import Reader, list_files\n"
        "from tuner.datasets.formats.pictures import decode\n"
        "files = list_files(Path(sys.argv[1]))\n"
        "with Reader() as reader:\n"
        "    decode(reader, files[:1], None, quiet)\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    decode(reader, files, None, quiet)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 60_000  # kilobytes on Linux


def test_what_hangs_over_is_cut_equally_from_both_sides(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    found = decoded(tmp_path, Image.fromarray(wide), shape=(10, 10, 3))
    assert (found.images == 200).all()


def test_the_orientation_of_cameras(tmp_path: Path) -> None:
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 250  # bright on the left
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90° clockwise
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", exif=exif)
    found = decoded(tmp_path, buffer.getvalue())
    assert found.images.shape == (1, 16, 8, 3)
    assert found.images[0, :8].min() == 250
    assert found.images[0, 8:].max() == 0
    assert "EXIF" in found.notes[0]


def test_alpha_and_palettes(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    clear.putpixel((3, 2), (0, 0, 255, 255))
    palette = Image.new("RGB", (8, 8), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
    found = decoded(tmp_path, clear, palette)
    assert found.images[0, 0, 0].tolist() == [255, 255, 255]
    assert found.images[0, 2, 3].tolist() == [0, 0, 255]
    assert found.images[1, 0, 0].tolist() == [10, 200, 30]
    assert "1 images have transparent parts" in found.notes[0]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 65535]] * 4, np.uint16)
    found = decoded(tmp_path, Image.fromarray(values))
    assert found.images[0, 0, :, 0].tolist() == [0, 0, 1, 255]
    assert "16 bits" in found.notes[0]


def test_black_and_white_and_mixed_colour(tmp_path: Path) -> None:
    found = decoded(tmp_path, Image.new("1", (8, 8), 1), Image.new("RGB", (8, 8), "red"))
    assert found.images.shape == (2, 8, 8, 3)
    assert found.images[0].min() == 255
    assert "1 grey images became colour images" in found.notes[0]
    assert decoded(tmp_path, Image.new("RGB", (8, 8), "red"), shape=(8, 8, 1)).images.shape == (1, 8, 8, 1)


def test_damaged_images_are_left_out_and_listed(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", noise(40), cycle(40, 2))
    write(root / "0" / "empty.png", b"")
    write(root / "0" / "cut.png", png_bytes(noise(1, (64, 64, 3))[0])[:2000])
    write(root / "1" / "text.jpg", b"not an image")
    data = load_data(root)
    assert len(data.train_images) + len(data.test_images) == 40
    assert [line.split(":")[0] for line in data.audit["corrupt"]] == [
        "0/cut.png",
        "0/empty.png",
        "1/text.jpg",
    ]


def test_too_many_damaged_images_are_refused(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", noise(10), cycle(10, 2))
    for i in range(5):
        write(root / "0" / f"bad{i}.png", b"bad")
    with pytest.raises(DataError, match=r"5 of 15 images cannot be read, the first is .*bad0.png"):
        load_data(root)


@pytest.mark.parametrize("side", [60_000, 9_000])
def test_a_picture_of_sixty_thousand_pixels_a_side_is_left_out_and_told(
    load_data: Load, tmp_path: Path, side: int
) -> None:
    root = image_folder(tmp_path / "pets", noise(40), cycle(40, 2))
    write(root / "1" / "bomb.png", huge_png(side, side))
    data = load_data(root)
    (why,) = data.audit["corrupt"]
    assert why.startswith("1/bomb.png: claims")
    assert "expected at most 64 million" in why
    (told,) = data.audit["reading"]["unused"]
    assert told == {"why": "images that cannot be read", "count": 1, "example": "1/bomb.png"}


def test_a_photograph_of_many_megapixels_is_reduced_while_it_is_decoded(
    load_data: Load, tmp_path: Path
) -> None:
    root = image_folder(tmp_path / "pets", noise(40), cycle(40, 2))
    Image.new("L", (12_000, 9_000), 77).save(root / "1" / "large.jpg")
    data = load_data(root, image_shape=(8, 8, 1))
    assert data.audit["corrupt"] == []
    assert len(data.train_images) + len(data.test_images) == 41


def test_links_out_of_the_folder_are_refused(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", noise(20), cycle(20, 2))
    secret = write(tmp_path / "secret.png", png_bytes(noise(1)[0]))
    (root / "0" / "link.png").symlink_to(secret)
    with pytest.raises(DataError, match=r"link.png is a symbolic link out of the folder"):
        load_data(root)
    (root / "0" / "link.png").unlink()
    (root / "0" / "same.png").symlink_to(root / "0" / "000.png")
    data = load_data(root)
    assert len(data.train_images) + len(data.test_images) == 21  # a link inside is one more image
    assert data.audit["duplicates"]["largest_group"] == 2
    (root / "0" / "same.png").unlink()
    (root / "2").symlink_to(tmp_path)
    with pytest.raises(DataError, match="symbolic link out of the folder"):
        load_data(root)


@pytest.mark.parametrize(
    "name", ["../evil.png", "/evil.png", "a/../../evil.png", "C:/evil.png", "..\\evil.png"]
)
def test_archive_entries_that_lead_out_are_refused(load_data: Load, tmp_path: Path, name: str) -> None:
    archive = tmp_path / "pets.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("cat/1.png", png_bytes(noise(1)[0]))
        file.writestr(name, png_bytes(noise(1)[0]))
    with pytest.raises(DataError, match="has an entry named"):
        load_data(archive)
    assert not (tmp_path.parent / "evil.png").exists()


def test_archive_links_are_refused(load_data: Load, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("cat/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as file:
        file.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a symbolic link"):
        load_data(tmp_path / "pets.zip")


def test_images_beside_class_folders_are_left_out_and_told(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", noise(20), cycle(20, 2))
    write(root / "stray.png", png_bytes(noise(1)[0]))
    reading = load_data(root).audit["reading"]
    assert reading["unused"] == [
        {"why": "train images in no class folder", "count": 1, "example": "stray.png"}
    ]
    assert reading["used"] == 20


def test_hidden_and_other_files_do_not_matter(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", noise(20), cycle(20, 2))
    write(root / ".DS_Store", b"x")
    write(root / "0" / "._000.png", b"x")
    write(root / "0" / "notes.txt", b"x")
    assert len(load_data(root).train_images) == 16


@pytest.mark.skipif(os.name != "posix", reason="bytes as file names")
def test_names_that_are_no_text_are_left_out_and_told(load_data: Load, tmp_path: Path) -> None:
    root = image_folder(tmp_path / "pets", noise(20), cycle(20, 2))
    (Path(os.fsdecode(os.fsencode(root) + b"/0/\xff.png"))).write_bytes(png_bytes(noise(1)[0]))
    (told,) = load_data(root).audit["reading"]["unused"]
    assert (told["why"], told["count"]) == ("files with control characters in their name", 1)


def test_a_file_that_is_no_picture_is_told_as_that(tmp_path: Path) -> None:
    """Pillow registers no format MPO of its own: to ask for it made every such file fail with "'MPO'"."""
    good = [Image.new("L", (8, 8), i) for i in range(20)]
    found = decoded(tmp_path, b"no picture", *good)
    assert found.corrupt == ("0.png: no image data of a known format",)
