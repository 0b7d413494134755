"""Characters that the font of the figures lacks: another font of the machine, or a name in plain letters."""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OWN = "DejaVu Sans"
"""Matplotlib's own font, which every machine has."""
COLOURED = ("Color", "Emoji", "Last Resort")
"""Fonts that Matplotlib cannot draw, or whose every character is a box."""
KNOWN = (
    "Noto Sans CJK", "Noto Sans", "Hiragino", "PingFang", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic",
    "WenQuanYi", "Arial Unicode", "Segoe UI Symbol", "Symbola",
)  # fmt: skip
"""Fonts with many characters, which are tried first."""


def legible(figure: "Figure") -> None:
    """Gives every text of a figure the fonts that its characters need."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        lacking = _lacking(text.get_text(), OWN)
        if lacking:
            text.set_fontfamily([OWN, *fonts_for("".join(sorted(lacking)))])


def spelled_out(text: str) -> str:
    """A text with "U+732B" for each character that no font of this machine has."""
    lacking = _lacking(text, OWN)
    for font in fonts_for("".join(sorted(lacking))) if lacking else ():
        lacking &= _lacking(text, font)
    return "".join(_spelled(character) if character in lacking else character for character in text)


def drawable(text: str) -> tuple[str, str]:
    """A text as one font can draw it, "U+732B" in it where none can, and the file of that font."""
    lacking = _lacking(text, OWN)
    fonts = fonts_for("".join(sorted(lacking))) if lacking else ()
    whole = [font for font in fonts if not _lacking(text, font)]
    if lacking and not whole:
        text = "".join(_spelled(character) if character in lacking else character for character in text)
    return text, _files()[whole[0] if whole else OWN]


def _spelled(character: str) -> str:
    """Its number; nothing for what is only a mark on another character."""
    return "" if unicodedata.category(character) in {"Mn", "Cf"} else f"U+{ord(character):04X}"


@cache
def fonts_for(characters: str) -> tuple[str, ...]:
    """Names of fonts of this machine that have some of the characters, as few as it takes."""
    left, chosen = set(characters), []
    for name in _names():
        has = left - _lacking("".join(left), name)
        if has:
            chosen.append(name)
            left -= has
        if not left:
            break
    return tuple(chosen)


@cache
def _files() -> Mapping[str, str]:
    """The file of each font that can be drawn, by name."""
    from matplotlib.font_manager import fontManager

    usable = [font for font in fontManager.ttflist if not any(word in font.name for word in COLOURED)]
    return {font.name: font.fname for font in usable}


def _names() -> list[str]:
    """Fonts that can be drawn, the widely known ones first."""
    return sorted(_files().keys() - {OWN}, key=lambda name: (not name.startswith(KNOWN), name))


def _lacking(text: str, font: str) -> set[str]:
    """The characters of a text that a font does not have."""
    return {character for character in text if not character.isspace() and ord(character) not in _signs(font)}


@cache
def _signs(font: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(_files()[font]).get_charmap())
