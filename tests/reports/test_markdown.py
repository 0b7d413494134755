"""Markdown means what it should, whatever is written in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import markdown as md


@given(st.text(min_size=1, max_size=40))
def test_escaped_text_renders_as_itself(text: str) -> None:
    from html import unescape

    from markdown_it import MarkdownIt

    plain = " ".join(text.split())
    html = MarkdownIt("commonmark").enable("table").render(f"| head |\n| :--- |\n| {md.escape(text)} |\n")
    cell = html.split("<td", 1)[1].split(">", 1)[1].split("</td>", 1)[0]
    assert unescape(cell).replace("\x00", "\ufffd") == plain.replace("\x00", "\ufffd")


@given(st.text(alphabet="ab`| *", min_size=1, max_size=20))
def test_code_renders_as_itself(text: str) -> None:
    from html import unescape

    from markdown_it import MarkdownIt

    plain = " ".join(text.split())
    html = MarkdownIt("commonmark").enable("table").render(f"| head |\n| :--- |\n| {md.code(text)} |\n")
    assert f"<code>{plain or ' '}</code>".replace(" </code>", "</code>") in unescape(html).replace(
        " </code>", "</code>"
    )


@pytest.mark.parametrize("line", ["# a", "- a", "+ a", "1. a", "12) a", "---", "==="])
def test_markers_of_blocks_are_text_at_the_start_of_a_line(line: str) -> None:
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").render(f"before\n\n{md.escape(line)}\n")
    assert html.count("<p>") == 2


@pytest.mark.parametrize(
    ("fraction", "decimals", "expected"),
    [
        (0.8432, 0, "84 %"),
        (0.8432, 1, "84.3 %"),
        (0.9996, 0, "99.96 %"),
        (0.99996, 1, "99.996 %"),
        (0.9999999, 0, ">99.999 %"),
        (0.0000001, 1, "<0.001 %"),
        (1.0, 1, "100.0 %"),
        (0.0, 0, "0 %"),
        (0.0004, 1, "0.04 %"),
    ],
)
def test_percent_never_claims_all_or_nothing(fraction: float, decimals: int, expected: str) -> None:
    assert md.percent(fraction, decimals) == expected


def test_counts_of_times_are_words() -> None:
    assert [md.how_often(count) for count in (1, 2, 3, 1200)] == ["once", "twice", "3 times", "1,200 times"]


def test_differences_and_intervals() -> None:
    assert md.points(-0.0412) == "\u22124.1"
    assert md.points(0.0412, sign=True) == "+4.1"
    assert md.points(-0.0001) == "0.0"
    assert md.interval((-0.04, 0.12), 0) == "\u22124 to 12"
    assert md.interval((0.9, 0.9997), 0) == "90.00 to 99.97"
    assert md.decimals_for((0.77, 0.89)) == 0
    assert md.decimals_for((0.991, 0.996)) == 1
    assert md.decimals_for((0.9951, 0.9959)) == 2


def test_counts_and_lists_read_well() -> None:
    assert md.plural(0, "trial") == "no trials"
    assert md.plural(1, "trial") == "1 trial"
    assert md.plural(12000, "class", "classes") == "12,000 classes"
    assert md.singular("photographs") == "photograph"
    assert md.listed(["a"]) == "a"
    assert md.listed(["a", "b", "c"]) == "a, b and c"
    assert md.listed(["a", "b"], "or") == "a or b"


def test_durations_and_sizes() -> None:
    assert md.duration(0.01) == "under 0.1 seconds"
    assert md.duration(1.2) == "1 second"
    assert md.duration(41.3) == "41 seconds"
    assert md.duration(552) == "9 minutes"
    assert md.duration(8640) == "2.4 hours"
    assert md.size(999) == "999 bytes"
    assert md.size(3_400_000) == "3.4 MB"


def test_sentences_of_the_files_are_finished() -> None:
    assert md.sentence("2 folds of `a_b` were *left* out") == "2 folds of `a_b` were \\*left\\* out."
    assert md.sentence("images were read as grey.") == "Images were read as grey."


@pytest.mark.parametrize(
    ("value", "metric", "expected"),
    [
        (0.8431, "accuracy", "84.3 %"),
        (0.8431, "f1-macro", "84.3 %"),
        (0.8431, "auc", "0.843"),
        (0.99972, "auc", "0.9997"),
        (0.99999, "auc", "over 0.9999"),
        (1.0, "auc", "1.000"),
    ],
)
def test_scores_as_people_read_them(value: float, metric: str, expected: str) -> None:
    assert md.score(value, metric) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (493, "493"),
        (1_000, "1.00k"),
        (18_840, "18.8k"),
        (214_000, "214k"),
        (999_960, "1000k"),
        (1_050_000, "1.05M"),
    ],
)
def test_large_numbers_in_a_narrow_column(count: int, expected: str) -> None:
    assert md.rounded(count) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.01, "under 0.1 s"), (0.42, "0.4 s"), (41.3, "41 s"), (540, "9 min"), (8640, "2.4 h")],
)
def test_durations_in_a_narrow_column(seconds: float, expected: str) -> None:
    assert md.brief(seconds) == expected
