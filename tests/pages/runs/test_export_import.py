"""Runs exported as a .zip, and imported from one."""

import zipfile
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.runs import Run, export_run, list_runs
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.runs import export_import
from tests.pages.support import OpenPage, said
from tests.pages.test_all_pages import PAGES
from tests.runs.conftest import snapshot
from tests.runs.exported_runs import RUN, rewrite, store


@pytest.fixture
def packed_run(tmp_path: Path) -> Path:
    """The .zip of a run from another workspace."""
    away = open_workspace(tmp_path / "away")
    store(away)
    return export_run(away, RUN, tmp_path / "run.zip")


def test_an_import_arrives_once_and_what_is_no_run_changes_nothing(
    open_page: OpenPage, workspace: Workspace, packed_run: Path, tmp_path: Path
) -> None:
    bad = rewrite(packed_run, tmp_path / "bad.zip", {"status.json": b"[" * 1000})
    app = open_page(workspace, "runs")
    before = snapshot(workspace.root)
    for content in (b"PK not a zip", bad.read_bytes()):
        import_file(app, content)
        assert len(app.error) == 1 and "<b\\>\\.zip" in app.error[0].value and not app.success
        assert snapshot(workspace.root) == before
    import_file(app, packed_run.read_bytes())
    (run,) = list_runs(workspace)
    assert run.from_zip and app.query_params["run"] == run.id
    assert ["is here now" in success.value for success in app.success] == [True]
    before = snapshot(workspace.root)
    import_file(app, packed_run.read_bytes())
    assert ["was here already" in success.value for success in app.success] == [True]
    assert snapshot(workspace.root) == before and not app.error


def import_file(app: AppTest, content: bytes) -> None:
    """Import a file of this content; the field is a new one afterwards, as a browser needs it."""
    before = app.file_uploader[0].key
    app.file_uploader[0].upload("<b>.zip", content)
    app.button(key="runs_import_start").click().run()
    assert not app.exception
    assert app.file_uploader[0].key != before and app.file_uploader[0].value is None


def test_import_asks_for_a_file(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "runs")
    app.button(key="runs_import_start").click().run()
    assert ["Choose a .zip" in warning.value for warning in app.warning] == [True]


@pytest.mark.parametrize("page", PAGES)
def test_an_imported_run_opens_everywhere_without_its_dataset(
    page: str, open_page: OpenPage, workspace: Workspace, packed_run: Path
) -> None:
    run_id = export_import.import_run(workspace, packed_run).run
    app = open_page(workspace, page, run=run_id, **({"view": "Watch"} if page == "train" else {}))
    assert app.query_params["run"] == run_id if page != "data" else True
    assert all("dataset" in error.value.lower() or "pictures" in error.value for error in app.error)
    if page in ("misclassified", "confusion", "home"):
        assert app.metric or app.dataframe or "The numbers of the run need no pictures" in said(app)
    if page == "train":
        assert "cannot be resumed" in said(app) or "not resumed" in said(app)
        assert "Resume" not in {button.label for button in app.button}


def test_an_export_is_told_in_size_and_made_of_the_run_alone(
    open_page: OpenPage, finished: Run, shared: Workspace, tmp_path: Path
) -> None:
    app = open_page(shared, "runs", runs=finished.id)
    (button,) = [item for item in app.get("download_button") if item.proto.label.startswith("Export")]
    assert button.proto.label.endswith("kB") and not button.proto.disabled
    told: list[str] = []
    before = set(shared.exports.iterdir())
    packed = tmp_path / "run.zip"
    packed.write_bytes(export_import._export_zip(shared, finished.id, told))
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
    assert not told and set(shared.exports.iterdir()) == before


@pytest.mark.fault(66, 67)
def test_an_export_that_is_too_large_or_damaged_is_refused_with_its_sentence(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    workspace = epochs_of_their_own
    told: list[str] = []
    path = workspace.runs / "early" / "predictions" / "test.npz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Exception, match="cannot be exported"):
        export_import._export_zip(workspace, "early", told)
    assert len(told) == 1 and not list(workspace.exports.iterdir())
    (workspace.root / "settings.json").write_text('{"export_mb": 1}', "utf-8")
    (workspace.runs / "early" / "predictions" / "test.npz").write_bytes(bytes(1_100_000))
    app = open_page(workspace, "runs", runs="early")
    (button,) = [item for item in app.get("download_button") if item.proto.label.startswith("Export")]
    assert button.proto.disabled and "export\\_mb" in button.proto.help
