"""Which encoding a text file is in: UTF-8, UTF-16, or that of Windows in the west."""

import codecs

from tuner.datasets.formats.files import Entry, Reader

_CHUNK = 1 << 20


def encoding_of(reader: Reader, entry: Entry) -> str:
    """The encoding of a file: by its byte order mark, else UTF-8 where all of it is that."""
    with reader.open(entry) as file:
        head = file.read(_CHUNK)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        for odd, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            zeros = head[odd:200:2]
            if (
                len(head) >= 8
                and zeros
                and zeros.count(0) > 0.8 * len(zeros)
                and head[1 - odd : 200 : 2].count(0) == 0
            ):
                return name
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                if not head.isascii() or decoder.getstate()[0]:
                    decoder.decode(head)
                head = file.read(_CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"
