"""The constants of the recognition in JavaScript equal those of the Python modules."""

import re
from ast import literal_eval
from importlib import import_module

import pytest

from tools.samples import ROOT

FOLDER = ROOT / "static" / "js" / "recognize"
MODULES = {
    "recognition": "ml.recognition",
    "rasterize": "ml.preprocessing.strokes",
    **{
        name: f"ml.preprocessing.{name}"
        for name in (
            "bows", "dashes_slashes", "distances", "hulls", "joined_strokes", "lattice", "layout",
            "parentheses", "percent_dollar", "punctuation", "segmentation",
        )
    },
}  # fmt: skip
CONSTANT = re.compile(r"^(?:export )?const ([A-Z_]+) = (\[?[-\d._, ]+\]?);", re.MULTILINE)
# Derived or private in Python, or of the page only.
OTHERS = {"WINDOW", "STEPS", "DOWNLOAD_TIMEOUT"}


@pytest.mark.parametrize(("name", "module"), MODULES.items(), ids=MODULES)
def test_constants_equal_those_of_the_python_module(name, module):
    found = dict(CONSTANT.findall((FOLDER / f"{name}.js").read_text()))
    expected = vars(import_module(module))
    assert found
    for constant in found.keys() - OTHERS:
        value = expected[constant]
        number = getattr(value, "tolist", lambda value=value: value)()
        assert number == literal_eval(found[constant]), constant
