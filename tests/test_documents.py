"""The links of the documents, and the tests that docs/security.md names, exist."""

import re

import pytest

from tools.samples import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "ml" / "data" / "README.md"]


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_document_links_exist(document):
    links = re.findall(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)", document.read_text())
    for path, anchor in links:
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target.read_text()), anchor


def test_security_promises_name_existing_tests():
    text = (ROOT / "docs" / "security.md").read_text()
    named = set(re.findall(r"`(?:\w+/)?(test_\w+\.py)`", text))
    existing = {path.name for path in ROOT.glob("tests/**/test_*.py")}
    assert named - existing == set()
    assert len(named) > 20
