"""Imported predictions on the pages: what needs no network works, and what needs one says why not."""

import math

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.runs import network_missing
from pages.ui.runs.import_link import TITLE
from tests.pages.imported_runs import BesideImported
from tests.pages.support import OpenPage, said


def labels(app: AppTest, kind: str) -> list[str]:
    """The labels of all elements of a kind."""
    return [element.proto.label for element in app.get(kind)]  # type: ignore[attr-defined]


def test_the_table_of_runs_has_no_settings_of_it(open_page: OpenPage, beside_imported: BesideImported) -> None:
    workspace, run, _ = beside_imported
    app = open_page(workspace, "runs", status="imported")
    (row,) = app.dataframe[0].value.to_dict("records")
    assert row["name"] == "My model" and row["dataset"] == "tiny" and row["n"] == 100
    assert run.best is not None and row["accuracy"] == round(100 * run.best.test_accuracy, 1)
    assert all(map(math.isnan, (row["best_epoch"], row["last_accuracy"])))
    assert "batch_size" not in row, "one trained run differs from no other one"
    assert "Curves" not in [header.value for header in app.header]
    app = open_page(workspace, "runs", runs=run.id)
    assert network_missing(run) in said(app).replace("\\", "")
    assert "Curves" not in [header.value for header in app.header], "no curve of what was never trained"
    assert "Settings" not in labels(app, "expandable") and "Curves and settings" not in labels(app, "page_link")
    assert any(label.startswith("Export") for label in labels(app, "download_button"))


def test_the_train_page_says_what_it_is_and_offers_no_settings(
    open_page: OpenPage, beside_imported: BesideImported
) -> None:
    workspace, run, trained = beside_imported
    app = open_page(workspace, "train", run=run.id, view="Watch")
    assert network_missing(run) in said(app).replace("\\", "")
    assert app.metric[0].label == "Accuracy · test, n = 100" and not app.get("plotly_chart")
    assert "Settings of this run" not in labels(app, "expandable")
    app = open_page(workspace, "train", run=run.id)
    assert [trained.id] == [option for option in app.selectbox(key="train_base_parent").proto.options if option] or len(
        app.selectbox(key="train_base_parent").proto.options
    ) == 1


@pytest.mark.parametrize("address", [("predict", {}), ("picture", {"source": "own"})])
def test_own_pictures_are_refused_in_one_sentence(
    address: tuple[str, dict[str, str]], open_page: OpenPage, beside_imported: BesideImported
) -> None:
    page, more = address
    app = open_page(beside_imported.workspace, page, run=beside_imported.imported.id, **more)
    assert [network_missing(beside_imported.imported) in info.value.replace("\\", "") for info in app.info] == [True]
    assert not app.get("file_uploader")


def test_a_picture_has_one_answer(open_page: OpenPage, beside_imported: BesideImported) -> None:
    app = open_page(beside_imported.workspace, "picture", run=beside_imported.imported.id, id="test/00007.png")
    assert "Over the epochs" not in said(app) and "epoch" not in said(app)
    assert "other run" in said(app), "the trained run answers beside it"


def test_it_is_compared_with_a_trained_run_without_settings(
    open_page: OpenPage, beside_imported: BesideImported
) -> None:
    workspace, run, trained = beside_imported
    app = open_page(workspace, "compare", run=run.id, a=trained.id, b=run.id, view="curves")
    assert "settings of B not known: imported predictions" in said(app)
    assert len(app.get("plotly_chart")) == 2, "the curves of the one that was trained"
    assert [box.label for box in app.get("select_slider")] + [
        box.label for box in app.selectbox if box.label.startswith("Epoch")
    ] == ["Epoch of A"]
    app = open_page(workspace, "compare", run=run.id, a=run.id, b=run.id, view="curves")
    assert not app.get("plotly_chart") and "view" not in app.query_params


def test_pages_lead_to_the_form(open_page: OpenPage, beside_imported: BesideImported) -> None:
    app = open_page(beside_imported.workspace, "home")
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label == TITLE]
    assert "import=tiny" in link.query_string
    app = open_page(beside_imported.workspace, "data")
    app.button(key="data_predictions_tiny").click().run()
    assert app.query_params["import"] == "tiny" and app.selectbox(key="predictions_import").value == "tiny"
