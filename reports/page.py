"""The report as one HTML page that needs nothing beside it: figures inside, no script, light and dark."""

import base64
import html
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

STYLE = """
:root { color-scheme: light dark }
:root { --ink: #1f2328; --page: #fff; --line: #d1d9e0; --soft: #f6f8fa; --link: #0969da }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f0f6fc; --page: #0d1117; --line: #3d444d; --soft: #151b23; --link: #4493f8 }
  img { background: #fff; border-radius: 4px }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere }
h1, h2, h3 { line-height: 1.25; margin: 1.8em 0 .6em }
h1 { margin-top: .4em } h2 { border-bottom: 1px solid var(--line); padding-bottom: .25em }
a { color: var(--link) }
img { max-width: 100%; height: auto }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { border: 1px solid var(--line); padding: .3em .65em; overflow-wrap: normal }
tr:nth-child(even) td { background: var(--soft) }
pre { background: var(--soft); padding: .8em 1em; overflow-x: auto; border-radius: 6px }
code { font: .875em ui-monospace, monospace } pre code { overflow-wrap: normal }
blockquote { margin: 1em 0; padding: .1em 1em; border-left: 4px solid var(--line) }
summary { cursor: pointer } details { margin: 1em 0 }
nav { border: 1px solid var(--line); border-radius: 6px; padding: .6em 1em; margin: 1em 0 }
nav ul { columns: 16rem; margin: .5em 0; padding-left: 1.2em }
@media print { nav { display: none } body { font-size: 11pt } img, tr { break-inside: avoid } }
"""


def page(markdown: str, folder: Path) -> str:
    """The HTML page of a report.

    Args:
        markdown: the report; names in it are escaped already, and the HTML in it is its own.
        folder: where its figures are; an image from elsewhere is not read.
    """
    body, headings = _rendered(markdown, folder)
    title = next((text for level, text, _ in headings if level == 1), "report")
    contents = _contents([(text, name) for level, text, name in headings if level == 2])
    first, close, rest = body.partition("</h1>")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{first}{close}\n{contents}{rest}</main>\n</body>\n</html>\n"
    )


def fragment(markdown: str, folder: Path) -> str:
    """A part of a report as HTML, figures inside, in the style of the page that it is put into."""
    return _rendered(markdown, folder)[0]


def _rendered(markdown: str, folder: Path) -> tuple[str, list[tuple[int, str, str]]]:
    """The HTML, and level, text and name of each heading."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.add_render_rule("table_open", lambda *_: '<div class="wide"><table>')
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    tokens = parser.parse(markdown)
    headings = _name_headings(tokens)
    _put_in_images(tokens, folder)
    return parser.renderer.render(tokens, parser.options, {}), headings


def _name_headings(tokens: "list[Token]") -> list[tuple[int, str, str]]:
    """Gives headings the names that links of the report use; level, text and name of each."""
    found: list[tuple[int, str, str]] = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or [])
            name = re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-")
            opening.attrSet("id", name)
            found.append((int(opening.tag[1:]), text, name))
    return found


def _contents(sections: list[tuple[str, str]]) -> str:
    rows = [f'<li><a href="#{html.escape(name)}">{html.escape(text)}</a></li>' for text, name in sections]
    return f"<nav><strong>Contents</strong><ul>{''.join(rows)}</ul></nav>\n" if rows else ""


def _put_in_images(tokens: "list[Token]", folder: Path) -> None:
    for token in tokens:
        _put_in_images(token.children or [], folder)
        if token.type == "image":
            token.attrSet("src", _inside(str(token.attrGet("src")), folder))


def _inside(source: str, folder: Path) -> str:
    """A figure as a data URI."""
    path = (folder / source).resolve()
    if not path.is_relative_to(folder.resolve()) or path.suffix != ".png" or not path.is_file():
        return source
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
