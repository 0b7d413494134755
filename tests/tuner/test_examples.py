"""The notebook in `examples/` runs from top to bottom, on small data and with short trainings."""

from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

pytestmark = pytest.mark.slow

SMALLER = """
import os

digits = signs = "digits"
options = {"trials": 1, "epochs": 1, "seeds": 1, "finalists": 1, "workers": 1, "baselines": "majority"}
os.environ["TUNE_WORKER"] = "tests.helpers.curve_worker"  # which trains nothing
"""
TRAINS = """
del os.environ["TUNE_WORKER"]
options["epochs"], options["settings"] = 2, ["filters=8"]
"""


def test_the_notebook_runs(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "examples" / "mission.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = SMALLER
        if "photos" in cell.metadata.get("tags", ()):
            cell.source += TRAINS
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = {cell.source: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    own = outputs(shown, "own = tune")
    [area, answer] = own  # what was said while it ran is one area, drawn again in place
    assert "<pre" in html_of(area)
    assert "where the model looks\n[1/1]" in html_of(area)
    assert "data:image/png;base64," in html_of(answer)
    assert "majority" in html_of(answer)
    [table] = outputs(shown, "own.predict")
    assert "circle" in html_of(table)
    assert (tmp_path / "runs" / "own" / "model" / "model.keras").exists()


def outputs(shown: dict[str, Any], start: str) -> list[Any]:
    return next(found for source, found in shown.items() if source.startswith(start))


def html_of(output: Any) -> str:
    return str(output["data"]["text/html"])
