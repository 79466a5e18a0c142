"""The training notebook runs, and its stored outputs are from a complete run."""

import sys

import nbformat
import pytest

from tools.samples import ROOT

NOTEBOOK = ROOT / "notebooks" / "lenet_mnist.ipynb"


@pytest.fixture
def cells():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebook_runs(cells, small_datasets, monkeypatch, capsys):
    monkeypatch.setenv("QUICK", "1")
    monkeypatch.chdir(NOTEBOOK.parent)
    monkeypatch.setattr(sys, "path", [*sys.path])
    namespace = {}
    for cell in cells:
        # Without a kernel, the training uses the small datasets.
        exec(cell.source.removeprefix("%matplotlib inline\n"), namespace)  # noqa: S102
    assert "errors of 10,000" in capsys.readouterr().out


def test_notebook_stores_the_outputs_of_a_complete_run(cells):
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert "55000 to train" in "".join(output.get("text", "") for output in outputs)
    assert "error" not in {output.output_type for output in outputs}
