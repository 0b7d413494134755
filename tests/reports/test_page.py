"""The report as one HTML page."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.facts.summary import RunSummary
from reports.page import page
from reports.write import figures, markdown, write
from tests.helpers.make_run import make_run

Runs = Callable[[str], Path]


class Reader(HTMLParser):
    """A page as a browser finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str, name: str) -> list[str]:
        return [
            str(attributes[name]) for found, attributes in self.tags if found == tag and name in attributes
        ]


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


@pytest.fixture(scope="module")
def html(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, str]:
    """The page of a run with names that would break it, where its figures are, and its Markdown."""
    folder = tmp_path_factory.mktemp("page")
    summary = RunSummary.load(runs("nasty"))
    figures(summary, folder)
    text = markdown(summary)
    return page(text, folder), folder, text


def test_it_needs_nothing_beside_it(html: tuple[str, Path, str]) -> None:
    text, folder, source = html
    found = read(text)
    images = found.of("img", "src")
    assert len(images) == len(re.findall(r"!\[.*\]\(figures/", source)) == len(list(folder.rglob("*.png")))
    assert all(image.startswith("data:image/png;base64,") for image in images)
    assert not [tag for tag, _ in found.tags if tag in {"script", "link", "iframe"}]
    assert not re.search(r'(src|href)="https?://', text.replace('href="https://doi.org', ""))


def test_links_in_it_and_its_contents_lead_somewhere(html: tuple[str, Path, str]) -> None:
    found = read(html[0])
    ids = {*found.of("h1", "id"), *found.of("h2", "id"), *found.of("h3", "id")}
    inside = [link.removeprefix("#") for link in found.of("a", "href") if link.startswith("#")]
    assert len(inside) > 5
    assert set(inside) <= ids
    assert "use-the-model" in ids


def test_names_stay_names(html: tuple[str, Path, str]) -> None:
    found = read(html[0])
    assert "<b>bold</b>" in found.text
    assert "http://x" not in found.of("a", "href")
    assert not [tag for tag, _ in found.tags if tag == "b"]


def test_wide_tables_scroll_in_themselves_and_folded_parts_fold(html: tuple[str, Path, str]) -> None:
    text = html[0]
    assert text.count('<div class="wide"><table>') == text.count("<table>") > 2
    assert text.count("<details>") == text.count("</details>") == text.count("<summary>") > 0


def test_an_image_from_elsewhere_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "run").mkdir()
    assert "data:" not in page("![x](../secret.png)", tmp_path / "run")


def test_a_page_that_cannot_be_written_costs_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path / "run", "one-trial")
    (run / "report.html").mkdir()
    assert write(run).exists()
    assert "warning: report.html could not be written" in capsys.readouterr().err
