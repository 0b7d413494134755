"""Standard output and error as they come: closed, full, or able to show only some characters."""

import codecs
import errno
import io
import os
import sys
import unicodedata
from typing import Any, TextIO

READABLE = "tune.readable"
"""Name of the error handler that writes what a stream can show in place of what it cannot."""

_ORIGINALS: list[TextIO] = []
"""Kept, as Python would close them with their last reference."""

PLAIN = {
    "×": "x", "–": "-", "—": "-", "−": "-", "…": "...", "·": ".", "•": "*", "≤": "<=", "≥": ">=", "≈": "~",
    "±": "+/-", "→": "->", "“": '"', "”": '"', "‘": "'", "’": "'", "╭": "+", "╮": "+", "╰": "+", "╯": "+",
    "│": "|", "─": "-", "━": "-", "╸": "-", "╺": "-", "└": "+", "├": "+",
}  # fmt: skip


def prepare() -> None:
    """Makes standard output and error such that writing to them never raises.

    Characters that a stream cannot show are written in its own; a stream that is closed takes
    everything; one that breaks, or is full, takes the rest, and `lost` says why.
    """
    for number in range(3):  # so that no file of ours gets the number of a closed stream
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    codecs.register_error(READABLE, _readable)
    sys.stdout = _tolerant(sys.stdout)
    sys.stderr = _tolerant(sys.stderr)


def lost() -> OSError | None:
    """Why something could not be written to standard output; None if all was, or `excuse` was called."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.error if isinstance(raw, Tolerant) and not raw.excused else None


def excuse() -> None:
    """Accepts that output was lost which is also found elsewhere; says so where a stream is left."""
    error = lost()
    if error is None:
        return
    stdout: Any = sys.stdout
    stdout.buffer.raw.excused = True
    if error.errno != errno.EPIPE:
        sys.stderr.write(f"warning: standard output cannot be written: {error.strerror}\n")


class Tolerant(io.RawIOBase):
    """A stream that throws away what cannot be written once writing has failed.

    Attributes:
        error: the first that occurred.
        excused: whether that matters to nobody.
    """

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.error: OSError | None = None
        self.excused = False

    def write(self, data: object, /) -> int:
        """Writes bytes; returns how many."""
        assert isinstance(data, bytes | bytearray | memoryview)
        if self.error is None:
            try:
                return self._raw.write(data) or 0
            except OSError as error:
                self.error = error
        return len(data)

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """Of the stream."""
        return self._raw.fileno()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._raw.isatty()


def _tolerant(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open to the end
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # Python's option -u leaves the buffer out
    if not isinstance(raw, io.RawIOBase):
        return stream
    _ORIGINALS.append(stream)
    return io.TextIOWrapper(
        io.BufferedWriter(Tolerant(raw)),
        encoding=stream.encoding,
        errors=READABLE,
        line_buffering=True,
    )


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Letters without their accents, plain marks for typographic ones, escapes for the rest."""
    assert isinstance(error, UnicodeEncodeError)
    unshown = error.object[error.start : error.end]
    return "".join(map(_plain, unshown)), error.end


def _plain(character: str) -> str:
    if character in PLAIN:
        return PLAIN[character]
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return bare or character.encode("ascii", "backslashreplace").decode()
