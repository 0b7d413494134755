"""Markdown that GitHub renders as meant, whatever the names in it are, and numbers as people read them.

The hard part is text that comes from users: names of classes, files and parameters. Libraries that write
Markdown leave it to their callers: tabulate lets `a|b` break a table, mdutils escapes the pipe alone. The
table itself, which they would write, is four lines here.
"""

import math
import re
from collections.abc import Sequence

from reports.statistics.intervals import Interval

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$])")
_MARKER = re.compile(r"^(?:[-+]|#{1,6}|\d{1,9}[.)])(?=\s|$)|^[-=]+$")  # of a list, a heading, a rule
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
NONE = "\u2013"
"""The text of an empty cell."""
MINUS = "\u2212"
METRICS = {
    "accuracy": "accuracy",
    "balanced-accuracy": "balanced accuracy",
    "f1-macro": "macro F1",
    "auc": "AUC",
}
"""The names in a report of the choices of `--metric`."""


def escape(text: object) -> str:
    """Plain text that means itself, also in a table: no emphasis, link, HTML, formula or cell border."""
    plain = _escaped(" ".join(str(text).split()))
    return _MARKER.sub(lambda marker: f"{marker[0][:-1]}\\{marker[0][-1]}", plain)


def _escaped(text: str) -> str:
    plain = "".join(_ENTITIES.get(character, character) for character in text)
    return _SPECIAL.sub(r"\\\1", plain)


def code(text: object) -> str:
    """Inline code, fenced by more backticks than it holds; a pipe in it is safe in a table."""
    plain = " ".join(str(text).split()) or " "
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain.replace('|', chr(92) + '|')}{space}{fence}"


def sentence(text: str) -> str:
    """A sentence of the run's own files, in which `name` is code: capital first, full stop last."""
    pieces = re.split(r"`([^`]+)`", text.strip())
    marked = [code(piece) if index % 2 else _escaped(piece) for index, piece in enumerate(pieces)]
    whole = "".join(marked)
    whole = whole[:1].upper() + whole[1:]
    return whole if not whole or whole[-1] in ".!?" else f"{whole}."


def block(text: str, language: str = "") -> str:
    """A code block, fenced by more backticks than any run in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str = "") -> str:
    """A table; cells are Markdown already. `align` has a letter a column: l, r or c."""
    marks = {"l": ":---", "r": "---:", "c": ":---:"}
    rule = [marks[letter] for letter in (align or "l" * len(header))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, rule, *rows])


def unbroken(text: str) -> str:
    """The same, never broken over two lines: for short cells of a wide table."""
    return text.replace(" ", "\u00a0")


def unbroken_percents(text: str) -> str:
    """A text in which no line ends between a number and its per cent sign; code stays as it is."""
    pieces = re.split(r"(```.*?```|`[^`\n]*`)", text, flags=re.DOTALL)
    joined = [piece if i % 2 else re.sub(r"(\d) %", "\\1\u00a0%", piece) for i, piece in enumerate(pieces)]
    return "".join(joined)


def image(path: str, alt: str) -> str:
    """A figure with its alternative text."""
    return f"![{escape(alt)}]({path})"


def folded(summary: str, body: str) -> str:
    """A part that is closed until the reader opens it; `summary` is HTML-escaped plain text."""
    title = "".join(_ENTITIES.get(character, character) for character in summary)
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def join(parts: Sequence[str]) -> str:
    """Blocks with an empty line between them; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


def how_often(count: int) -> str:
    """Such as "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def percent(fraction: float, decimals: int = 1) -> str:
    """Such as "84.3 %". Never rounds to 100 % or 0 % what is not exactly that."""
    return f"{_number(fraction, decimals)} %"


def score(value: float, metric: str) -> str:
    """A value of one of `METRICS`: "84.3 %", but "0.987" of the AUC, and never 1 for what is less."""
    if metric != "auc":
        return percent(value)
    if value < 1 and f"{value:.4f}" == "1.0000":
        return "over 0.9999"
    return f"{value:.3f}" if value == 1 or f"{value:.3f}" != "1.000" else f"{value:.4f}"


def _number(fraction: float, decimals: int) -> str:
    for places in range(decimals, 4):
        shown = f"{100 * fraction:.{places}f}"
        extreme = float(shown) in {0.0, 100.0} and fraction not in {0.0, 1.0}
        if not extreme:
            break
    else:
        return ">99.999" if fraction > 0.5 else "<0.001"
    return shown.replace("-", MINUS) if float(shown) else shown.replace("-", "")


def points(fraction: float, decimals: int = 1, *, sign: bool = False) -> str:
    """A difference in percentage points, without the word: "-4.1" (with a true minus), with `sign` "+4.1"."""
    shown = f"{100 * fraction:.{decimals}f}"
    if not float(shown):
        return shown.replace("-", "")
    return ("+" if sign and fraction > 0 else "") + shown.replace("-", MINUS)


def interval(bounds: Interval, decimals: int = 1) -> str:
    """Such as "77.2 to 89.1", for accuracies and differences alike."""
    while decimals < 2 and 100 * bounds[1] != 100 and f"{100 * bounds[1]:.{decimals}f}".startswith("100"):
        decimals += 1
    return f"{points(bounds[0], decimals)} to {points(bounds[1], decimals)}"


def decimals_for(bounds: Interval | None) -> int:
    """How many decimals of a percentage an interval of that width can carry."""
    width = bounds[1] - bounds[0] if bounds else 0.05
    return 0 if width >= 0.04 else 1 if width >= 0.004 else 2


def plural(count: int, noun: str, many: str = "") -> str:
    """Such as "1 trial", "31 trials", "no trials", "12,000 images"."""
    word = noun if count == 1 else many or f"{noun}s"
    return f"{count:,} {word}" if count else f"no {word}"


def singular(noun: str) -> str:
    """Such as "photograph" of "photographs"."""
    return noun[:-1] if noun.endswith("s") and not noun.endswith("ss") else noun


def listed(items: Sequence[str], last: str = "and") -> str:
    """Such as "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""


def duration(seconds: float) -> str:
    """Such as "41 seconds", "9 minutes", "2.4 hours"."""
    if seconds < 0.05:
        return "under 0.1 seconds"
    if seconds < 0.95:
        return f"{seconds:.1f} seconds"
    if seconds < 100:
        return plural(round(seconds), "second")
    if seconds < 100 * 60:
        return plural(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def brief(seconds: float) -> str:
    """Such as "0.4 s", "41 s", "9 min", "2.4 h": a duration in a narrow column."""
    if seconds < 0.05:
        return "under 0.1 s"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 0.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def rounded(count: int) -> str:
    """Such as "493", "18.8k", "214k", "1.05M": a large number in a narrow column."""
    for unit, word in ((1_000_000, "M"), (1_000, "k")):
        if count >= unit:
            share = count / unit
            return f"{share:.{2 if share < 9.995 else 1 if share < 99.95 else 0}f}{word}"
    return str(count)


def size(count: float) -> str:
    """Such as "3.4 MB" of a number of bytes."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def milliseconds(count: float) -> str:
    """Two digits, such as "0.45", "14", "104"; never with an exponent."""
    return f"{count:.0f}" if count >= 10 else f"{count:.2g}"


def value(item: object) -> str:
    """A parameter's value: "0.0041", "64", "dense"."""
    if isinstance(item, bool) or item is None:
        return {True: "yes", False: "no", None: NONE}[item]
    if isinstance(item, float):
        return f"{item:.3g}" if math.isfinite(item) else str(item)
    return str(item)
