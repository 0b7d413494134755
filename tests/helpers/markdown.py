"""The commands that documentation says to type."""

import re
from pathlib import Path


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a Markdown file in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)
