"""`report.html` in a real browser, as wide as a screen and as a telephone."""

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.page import page
from reports.write import write

pytestmark = pytest.mark.browser

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip

MEASURE = """
<!doctype html><body>
<iframe id="page" style="width: {width}px; height: 2000px; border: 0" srcdoc="{source}"></iframe>
<pre id="found"></pre><script>
document.getElementById("page").onload = (event) => {{
  const inside = event.target.contentDocument;
  inside.querySelectorAll("details").forEach((each) => {{ each.open = true; }});
  const scrolls = (each) => each.closest(".wide, pre") !== null;
  const beyond = (each) => each.getBoundingClientRect().right > {width} + 1;
  const out = [...inside.querySelectorAll("main *")].filter((each) => beyond(each) && !scrolls(each));
  const seen = (image) => image.complete && image.naturalWidth > 0;
  document.getElementById("found").textContent = JSON.stringify({{
    width: inside.documentElement.clientWidth,
    scroll: inside.documentElement.scrollWidth,
    out: out.map((each) => each.outerHTML.slice(0, 120)),
    images: [...inside.images].map((each) => [seen(each), each.width, each.alt.length > 0]),
  }});
}};
</script></body>
"""


@pytest.fixture(scope="module", params=["asl", "many"])
def run(request: pytest.FixtureRequest, runs: Callable[[str], Path]) -> Path:
    """A run of made results, with its report."""
    if BROWSER is None:
        pytest.skip("no Chromium: apt-get install chromium")
    folder = runs(request.param)
    write(folder)
    return folder


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_overflows_and_every_figure_is_there(run: Path, width: int, tmp_path: Path) -> None:
    source = (run / "report.html").read_text()
    found = measured(source, width, tmp_path)
    assert found["width"] == width
    assert found["scroll"] <= width
    assert found["out"] == []
    figures = re.findall(r"!\[.*\]\(figures/", (run / "report.md").read_text())
    assert len(found["images"]) == len(figures)
    assert all(loaded and described for loaded, _, described in found["images"])
    assert all(100 < shown <= width for _, shown, _ in found["images"])


def test_what_is_too_wide_would_be_found(tmp_path: Path) -> None:
    if BROWSER is None:
        pytest.skip("no Chromium: apt-get install chromium")
    wide = page("# A\n\n" + '<div style="width: 500px">x</div>', tmp_path)
    found = measured(wide, 390, tmp_path)
    assert found["scroll"] > 390
    assert len(found["out"]) == 1


def measured(source: str, width: int, folder: Path) -> Any:
    """Sizes of a page and what is in it, in pixels, with all that is folded opened."""
    wrapper = folder / "measure.html"
    wrapper.write_text(MEASURE.format(width=width, source=html.escape(source, quote=True)))
    command = [str(BROWSER), *QUIET, f"--user-data-dir={folder / 'browser'}", "--virtual-time-budget=20000"]
    done = subprocess.run(
        [*command, "--dump-dom", wrapper.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None
    return json.loads(html.unescape(found[1]))
