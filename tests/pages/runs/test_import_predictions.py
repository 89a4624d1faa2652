"""Predictions of a person's own model, imported by upload on the Runs page."""

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.data import open_dataset
from cifar_core.runs import list_runs, read_predictions
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.pages.imported_runs import BesideImported, predictions_csv
from tests.pages.support import OpenPage, said
from tests.runs.conftest import snapshot


@pytest.fixture
def pictures(workspace: Workspace) -> Workspace:
    """A workspace with the dataset `tiny` and no run."""
    save_tiny(workspace)
    return workspace


def bring(app: AppTest, content: bytes, name: str = "my *model*.csv") -> None:
    """Choose a file in the form and press Import; the field is a new one afterwards."""
    before = app.file_uploader[1].key
    app.file_uploader[1].upload(name, content)
    app.button(key="predictions_start").click().run()
    assert not app.exception
    assert app.file_uploader[1].key != before and app.file_uploader[1].value is None


def test_predictions_arrive_once_with_what_they_reached(open_page: OpenPage, pictures: Workspace) -> None:
    content = predictions_csv(open_dataset(pictures, "tiny"))
    app = open_page(pictures, "runs", **{"import": "tiny"})
    bring(app, content)
    (run,) = list_runs(pictures)
    assert run.best is not None and app.query_params["run"] == run.id
    right = int((read_predictions(pictures, run.id).predicted == open_dataset(pictures, "tiny").test.labels).sum())
    (success,) = app.success
    assert f"{right}.0\u00a0% of 100 test pictures of tiny right (95\u00a0% interval" in success.value
    assert success.value.startswith("**my \\*model\\*** is here now") and "differ" not in success.value
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    assert all(
        f"run={run.id}" in links[label].query_string
        for label in ("What it confuses", "Whether it can be trusted", "Compare it")
    )
    app.run()
    app.button(key="predictions_start").click().run()
    assert len(list_runs(pictures)) == 1, "neither a rerun nor a press without a file imports anything"
    app.text_input(key="predictions_name").set_value("<i>Second")
    bring(app, content)
    assert {run.name for run in list_runs(pictures)} == {"my *model*", "<i>Second"}, "each import is a run of its own"


@pytest.mark.fault(88)
def test_a_file_that_breaks_a_rule_is_one_sentence_and_nothing_changes(
    open_page: OpenPage, pictures: Workspace
) -> None:
    good = predictions_csv(open_dataset(pictures, "tiny"))
    lines = good.splitlines(keepends=True)
    before = snapshot(pictures.root)
    app = open_page(pictures, "runs", **{"import": "tiny"})
    for content in (b"", b"id,index\n", b"".join(lines[:-1]), b"".join([*lines, lines[1]]), b"PK\x03\x04 no zip"):
        bring(app, content)
        assert len(app.error) == 1 and "model" in app.error[0].value and not app.success
        assert snapshot(pictures.root) == before
    app.button(key="predictions_start").click().run()
    assert not list_runs(pictures)


def test_labels_of_its_own_are_counted(open_page: OpenPage, pictures: Workspace) -> None:
    dataset = open_dataset(pictures, "tiny")
    lines = predictions_csv(dataset).decode().splitlines()
    names = [dataset.class_names[label] for label in dataset.test.labels]
    names[:2] = ["truck", "ship"]
    content = "\n".join(f"{line},{label}" for line, label in zip(lines, ["label", *names], strict=True)).encode()
    app = open_page(pictures, "runs", **{"import": "tiny"})
    bring(app, content)
    assert "The true classes of 2 test pictures are not those of the dataset tiny" in app.success[0].value


def test_the_form_is_folded_until_it_is_asked_for(open_page: OpenPage, workspace: Workspace) -> None:
    app = open_page(workspace, "runs")
    assert [field.label for field in app.file_uploader] == ["Exported run"]
    app.session_state["predictions_box"] = True  # as a click on it does
    app.run()
    assert "There is no dataset here yet" in said(app)
    save_tiny(workspace)
    app.run()
    assert app.query_params["import"] == "tiny"
    app.button(key="predictions_start").click().run()
    assert ["Choose a file" in warning.value for warning in app.warning] == [True]


@pytest.mark.parametrize("dataset", ["tiny", "../x"])
def test_an_address_opens_it_for_a_dataset_that_is_here(
    dataset: str, open_page: OpenPage, beside_imported: BesideImported
) -> None:
    app = open_page(beside_imported.workspace, "runs", **{"import": dataset})
    assert app.selectbox(key="predictions_import").value == "tiny" and app.query_params["import"] == "tiny"
