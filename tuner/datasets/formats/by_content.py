"""Which files are images: by their suffix, else by their first bytes."""

import re
from pathlib import PurePosixPath

from tuner.datasets.formats.files import Entry, Reader
from tuner.datasets.formats.pictures import SUFFIXES
from tuner.errors import DataError

_OTHER = re.compile(
    r"\.(csv|tsv|txt|json|jsonl|xml|md|rst|yml|yaml|toml|ini|cfg|py|ipynb|r|m|c|h|sh|log|npz|npy|mat|h5|hdf5|zip"
    r"|gz|tar|tgz|bz2|xz|7z|rar|parquet|arrow|feather|tfrecord|pkl|pickle|db|sqlite|html|htm|css|js|pdf|doc|docx"
    r"|xls|xlsx|ppt|pptx|pt|pth|onnx|keras|mp4|avi|mov|mp3|wav|lst|names|data|cff|bib|tex|license)"
)
_HEIF = (".heic", ".heif", ".hif")
_MAGIC = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|RIFF.{4}WEBP|II\*\0|MM\0\*|P[1-6]\s"
    rb"|\0\0\0\x0cjP  |\xffO\xffQ|.{4}ftyp(avif|avis|mif1|heic|heix)",
    re.DOTALL,
)


def not_an_image(reader: Reader, entry: Entry) -> str:
    """Why a file is not taken for an image, in a few words; "" where it is one."""
    name = PurePosixPath(entry.name.lower())
    if name.name.endswith(SUFFIXES):
        return ""
    suffix = PurePosixPath(entry.base).suffix
    if suffix in _HEIF:
        return "" if has_heif() else "HEIC images, which need the package pillow-heif (the extra heic)"
    if _OTHER.fullmatch(suffix) or "-ubyte" in entry.base:
        return f"{suffix or 'IDX'} files"
    try:
        with reader.open(entry) as file:
            head = file.read(32)
    except DataError:
        head = b""
    if _MAGIC.match(head):
        return ""
    what = "empty files" if not head else f"files that are no images, with the suffix {suffix}"
    return what if suffix or not head else "files without a suffix that are no images"


def may_be_images(why: str) -> bool:
    """Whether files that were passed over for this reason may have been meant as images."""
    return not re.fullmatch(r"(\.\w+|IDX) files|(hidden|copies|neither|links|folders) .*", why)


def has_heif() -> bool:
    """Whether HEIC images can be read here; if so, Pillow is told."""
    try:
        import pillow_heif  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True
