"""The glossary of scores in docs/ARCHITECTURE.md, made from the table in cifar_core/evaluate/scores.py.

`python -m tests.score_glossary` writes it anew after a score was added or changed. tests/evaluate/test_scores.py
compares the two, so a glossary that is out of date fails.
"""

import re

from cifar_core.evaluate import SCORES
from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "ARCHITECTURE.md"
_HEAD = "| score | title | formula | meaning |\n|---|---|---|---|\n"


def refreshed(document: str) -> str:
    """The document with a row for each score under the head of the glossary."""
    rows = [f"| `{score.name}` | {score.title} | {score.formula} | {score.help} |\n" for score in SCORES.values()]
    glossary = _HEAD + "".join(rows)
    return re.sub(re.escape(_HEAD) + r"(\|.*\n)*", lambda old: glossary, document)


if __name__ == "__main__":
    DOCUMENT.write_text(refreshed(DOCUMENT.read_text("utf-8")), "utf-8")
