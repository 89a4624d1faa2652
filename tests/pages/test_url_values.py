"""URLs with hostile values: each page opens, at most with a sentence, and opens no file outside the workspace."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.conftest import ROOT
from tests.nasty import LITERAL, ODD_IDS
from tests.pages.support import OpenPage, said
from tests.pages.test_all_pages import PAGES

pytestmark = pytest.mark.fault(44)

RULES = ("There is no dataset", "must be from", "another character that cannot be shown")  # what a form may say of them
PARAMETERS = (
    "run",
    "view",
    "dataset",
    "split",
    "class",
    "page",
    "picture",
    "epoch",
    "outcome",
    "true",
    "predicted",
    "confidence",
    "loss",
    "margin",
    "entropy",
    "text",
    "sort",
    "order",
    "status",
    "range",
    "runs",
    "kind",
    "per_pair",
    "size",
    "tile",
    "image",
    "by",
    "diagonal",
    "preset",
    "parent",
    "name",
    "epochs",
    "widths",
    "device",
)
VALUES = (*ODD_IDS, *LITERAL[:2], "0~0", "nan~inf", "1~", "5~-5", "0", "2", "1.5", "true")
OURS = [str(Path(path).resolve()) for path in (ROOT, sys.prefix, sys.base_prefix, "/proc", "/usr", "/sys", "/dev")]
OURS.append(str(Path.home() / ".streamlit"))
_looked: list[str] | None = None


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if (
        _looked is not None
        and event in ("open", "os.listdir", "os.scandir")
        and isinstance(arguments[0], str | bytes | Path)
    ):
        _looked.append(str(Path(str(arguments[0])).absolute()))


sys.addaudithook(_notice)


@pytest.fixture
def looked_at() -> Iterator[list[str]]:
    """Every file and folder opened from now on."""
    global _looked
    _looked = []
    yield _looked
    _looked = None


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_odd_values_are_ignored_or_said(
    page: str, open_page: OpenPage, finished: Run, shared: Workspace, looked_at: list[str]
) -> None:
    app = open_page(shared, page)
    for value in VALUES:
        say_everywhere(app, value)
    elsewhere = [path for path in looked_at if not path.startswith((*OURS, str(shared.root)))]
    assert [path for path in elsewhere if not path.endswith("mime.types")] == []  # Python's own table of endings


@pytest.mark.parametrize("page", PAGES)
def test_a_run_that_cannot_be_is_said_and_another_shown(
    page: str, open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    app = open_page(shared, page)
    for value in ("../x", "C:\\x", "CON", "x" * 300, "1e999~nan"):
        say_everywhere(app, value)
        if page not in ("data", "sweep"):
            assert "There is no run" in said(app), value
            assert app.query_params["run"] == finished.id


def say_everywhere(app: AppTest, value: str) -> None:
    """Open the page with this value for everything an address may hold."""
    for name in PARAMETERS:
        app.query_params[name] = value
    app.run()
    assert not app.exception, value
    assert not [error for error in app.error if not any(rule in error.value for rule in RULES)], value
