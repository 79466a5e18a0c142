"""The training notebook runs, and its stored outputs are from a complete run."""

import nbformat
import pytest
from nbclient import NotebookClient

from tools.samples import ROOT

NOTEBOOK = ROOT / "notebooks" / "lenet_mnist.ipynb"


@pytest.fixture
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_notebook_runs(notebook, monkeypatch):
    monkeypatch.setenv("QUICK", "1")
    NotebookClient(notebook, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    assert "errors of 10,000" in printed(notebook)


def test_notebook_stores_the_outputs_of_a_complete_run(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert "55000 to train" in printed(notebook)
    assert "error" not in {output.output_type for cell in cells for output in cell.outputs}


def printed(notebook):
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return "".join(output.get("text", "") for output in outputs)
