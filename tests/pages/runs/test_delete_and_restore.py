"""Deleting a run and restoring it: Undo, and the trash."""

import shutil

from cifar_core.runs import Status, delete_run, list_runs, list_trash, read_run
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, said
from tests.pages.test_life_cycle import wait
from tests.runs.conftest import ended_run, snapshot

LOCKS = ("worker.lock", "training.lock")


def test_delete_leaves_an_undo_that_brings_the_run_back(open_page: OpenPage, workspace: Workspace) -> None:
    gone, other, living = ended_run(workspace), ended_run(workspace), wait(workspace)
    before = snapshot(workspace.runs / gone, but=LOCKS)
    app = open_page(workspace, "runs", runs=f"{living},{gone}")
    assert f"runs_delete_{living}" not in {button.key for button in app.button}, "what lives is stopped first"
    app.button(key=f"runs_delete_{gone}").click().run()
    assert not app.exception and not app.error
    assert {run.id for run in list_runs(workspace)} == {other, living}
    assert "is in the trash" in said(app) and "no longer exists" not in said(app)
    assert f"runs_delete_{gone}" not in {button.key for button in app.button}, "a second click finds nothing"
    app.button(key="runs_undo").click().run()
    assert not app.exception
    assert snapshot(workspace.runs / gone, but=LOCKS) == before
    assert app.query_params["run"] == gone and "is in the trash" not in said(app)
    assert app.query_params["runs"] == f"{living},{gone}", "it is ticked again"


def test_the_trash_says_until_when_brings_back_and_is_emptied(open_page: OpenPage, workspace: Workspace) -> None:
    (workspace.root / "settings.json").write_text('{"trash_days": 7}', "utf-8")
    first, second = ended_run(workspace), ended_run(workspace)
    delete_run(workspace, first)
    delete_run(workspace, second)
    app = open_page(workspace, "runs")
    assert "There is no run yet" in said(app), "the trash is there also where no run is left"
    assert "for 7 days" in said(app) and said(app).count("stays until") == 2
    newest = list_trash(workspace)[0]
    app.button(key=f"runs_restore_{newest.path.name}").click().run()
    assert not app.exception
    assert [run.id for run in list_runs(workspace)] == [newest.id]
    app.button(key="runs_trash_empty_sure").click().run()
    assert not app.exception and not list_trash(workspace)


def test_limits_that_break_a_rule_are_said_and_hide_nothing(open_page: OpenPage, workspace: Workspace) -> None:
    run_id = ended_run(workspace)
    delete_run(workspace, ended_run(workspace))
    (workspace.root / "settings.json").write_text('{"trash_days": "soon"}', "utf-8")
    app = open_page(workspace, "runs")
    assert not app.exception and list(app.dataframe[0].value["name"]) == [run_id]
    assert any("trash\\_days" in error.value for error in app.error)


def test_a_deleted_run_that_is_here_again_is_not_overwritten(open_page: OpenPage, workspace: Workspace) -> None:
    run_id = ended_run(workspace, Status.STOPPED)
    shutil.copytree(workspace.runs / run_id, workspace.root / "copy")
    delete_run(workspace, run_id)
    (workspace.root / "copy").rename(workspace.runs / run_id)
    app = open_page(workspace, "runs")
    app.button(key=f"runs_restore_{list_trash(workspace)[0].path.name}").click().run()
    assert not app.exception
    assert len(list_trash(workspace)) == 1 and read_run(workspace, run_id).status is Status.STOPPED
