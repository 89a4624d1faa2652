"""Every page opens from the entry script, on an empty workspace and on one with a run; a new page is a new test."""

import shutil
from pathlib import Path

import pytest

from cifar_core.runs import Run
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace
from tests.conftest import ROOT
from tests.pages.imported_runs import BesideImported
from tests.pages.support import OpenPage, said

PAGES = sorted(path.stem for path in (ROOT / "pages").glob("*.py"))
# Pages that have nothing to say without one.
WITH_RUN = ("compare", "confusion", "learning", "misclassified", "picture", "predict", "trust")
IN_SIGHT = {"train": {"view": "Watch"}}  # the address at which a page speaks of a run
OF_A_NETWORK = {"Resume", "Retry", "Duplicate", "Train more epochs", "Use its weights", "Repeat with seeds"}


def test_the_page_table_names_every_page() -> None:
    table = (ROOT / "streamlit_app.py").read_text("utf-8")
    assert all(f'"pages/{page}.py"' in table for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_opens_on_an_empty_workspace(page: str, open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, page)
    assert app.title, "the page has a head"
    assert not app.error
    if page in WITH_RUN:
        assert "There is no run yet" in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_opens_on_a_finished_run(page: str, open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, page, run=finished.id)
    assert not app.error
    assert "There is no run yet" not in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_opens_on_imported_predictions(page: str, open_page: OpenPage, beside_imported: BesideImported) -> None:
    workspace, run, _ = beside_imported
    app = open_page(
        workspace, page, run=run.id, **IN_SIGHT.get(page, {}), **({"runs": run.id} if page == "runs" else {})
    )
    assert not app.error
    assert {button.label for button in app.button}.isdisjoint(OF_A_NETWORK), "what cannot work has no button"
    assert "epoch 1" not in said(app) and run.config.model.model not in said(app)
    if page not in ("class_room", "data", "sweep"):  # they speak of no run
        assert "imported predictions" in said(app)


@pytest.mark.parametrize("page", WITH_RUN)
def test_an_unknown_run_in_the_address_is_said_and_changes_nothing(
    page: str, open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    app = open_page(shared, page, run="../../etc/passwd")
    assert not app.error
    assert "There is no run" in said(app)
    assert app.query_params["run"] == finished.id


@pytest.mark.parametrize("page", PAGES)
def test_a_workspace_deleted_meanwhile_is_made_anew(page: str, open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, page)
    shutil.rmtree(workspace.root)
    app.run()
    assert not app.exception
    assert not app.error
    assert workspace.runs.is_dir()


@pytest.mark.parametrize("page", PAGES)
def test_a_workspace_that_cannot_be_used_is_one_sentence(
    page: str, open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", "utf-8")
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(blocked))
    app = open_page(Workspace(blocked), page)
    assert len(app.error) == 1
    assert "cannot be used" in app.error[0].value
