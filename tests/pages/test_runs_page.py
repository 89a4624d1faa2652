"""Runs: the table, what is done with a run, and curves side by side."""

from pathlib import Path

import pandas as pd
import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.runs import Run, create_run, list_runs, read_run, rename_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from pages.ui.runs.runs_table import runs_table
from pages.ui.wording import in_percent, percent
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, primaries, said

EVIL = "<img src=x onerror=alert(1)> [a](http://b) $x$ :red[c]"


@pytest.fixture
def two(workspace: Workspace) -> list[str]:
    """Two runs that were stopped before their first epoch; they differ in batch size and channels."""
    save_tiny(workspace)
    ids = [
        create_run(workspace, make_config({"dataset": "tiny", "batch_size": batch, "channels": channels}))
        for batch, channels in ((32, "4,6"), (64, "8,6"))
    ]
    for run_id in ids:
        move(RunFolder(workspace.runs / run_id), Status.STOPPED)
    return ids


def choose(monkeypatch: pytest.MonkeyPatch, workspace: Workspace, *ids: str) -> None:
    """Select rows: AppTest cannot click into a table."""
    monkeypatch.setattr(
        "pages.ui.runs.runs_table.select_runs",
        lambda runs, table: [run for run in list_runs(workspace) if run.id in ids],
    )


def test_without_runs_the_page_offers_the_one_step(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "runs")
    assert "There is no run yet" in said(app)
    assert primaries(app) == ["Train your first model"]


def test_the_table_shows_only_settings_that_differ(workspace: Workspace, two: list[str]) -> None:
    table = runs_table(list_runs(workspace), {})
    assert {"Batch size", "Channels"} <= set(table.columns)
    assert "Epochs" not in table.columns
    assert sorted(table["Batch size"]) == [32, 64]


def test_a_broken_run_is_a_row_and_hides_no_other(
    open_page: OpenPage, workspace: Workspace, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Path(workspace.runs / "broken-run")
    broken.mkdir()
    (broken / "config.json").write_text("{", "utf-8")
    choose(monkeypatch, workspace, "broken-run")
    app = open_page(workspace, "runs", run=two[0])
    assert len(runs_table(list_runs(workspace), {})) == 3
    assert any("cannot be read" in error.value for error in app.error)
    assert "Batch size" in runs_table(list_runs(workspace), {}).columns, "the defaults of a broken run do not count"


def test_rename_and_note(
    open_page: OpenPage, workspace: Workspace, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, workspace, two[0])
    app = open_page(workspace, "runs")
    app.text_input(key=f"runs_name_{two[0]}").set_value(EVIL)
    app.text_input(key=f"runs_note_{two[0]}").set_value("why")
    app.button(key=f"runs_save_{two[0]}").click().run()
    assert not app.exception
    run = read_run(workspace, two[0])
    assert (run.name, run.note) == (EVIL, "why")
    assert EVIL not in said(app), "no Markdown of a person's is live"


def test_curves_of_the_newest_runs_without_any_selection(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "runs", run=finished.id)
    assert len(app.get("plotly_chart")) == 1
    app.get_by_key("runs_split").set_value("validation").run()
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == 1


def test_the_newest_runs_are_those_that_have_curves(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    """Six later runs have no curves. The newest runs that have some are shown, and the title says how many."""
    for _ in range(6):
        run_id = create_run(epochs_of_their_own, make_config({"dataset": "tiny"}))
        move(RunFolder(epochs_of_their_own.runs / run_id), Status.STOPPED)
    app = open_page(epochs_of_their_own, "runs")
    assert "Curves of the newest 4" in [header.value for header in app.header]
    assert len(app.get("plotly_chart")) == 1


def test_a_run_without_result_has_empty_cells(workspace: Workspace, two: list[str]) -> None:
    rename_run(workspace, two[0], EVIL)
    table = runs_table(list_runs(workspace), {})
    assert table["best test accuracy"].isna().all()
    assert EVIL in set(table["run"])
    assert isinstance(table, pd.DataFrame)


def test_a_table_rounds_as_sentences_do() -> None:
    """A browser rounds 68.25 up, Python to the even digit."""
    shown = in_percent(pd.DataFrame({"accuracy": [0.6825, 0.0, None]}), ["accuracy"])["accuracy"]
    assert f"{shown[0]}\u00a0%" == percent(0.6825) and shown[1] == 0 and pd.isna(shown[2])
