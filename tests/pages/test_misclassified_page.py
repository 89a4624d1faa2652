"""Misclassified: filters, sort, paging, selection, saving; the grid's own keys and clicks are tested in a browser."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cifar_core.data import delete_dataset, open_dataset
from cifar_core.errors import RunError
from cifar_core.evaluate import SCORES
from cifar_core.export import save_job
from cifar_core.runs import Predictions, Run, read_predictions
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples import SORTS, SampleFilter, prediction_table, select_samples
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery
from tests.conftest import make_perfect, save_tiny
from tests.jobs.support import wait_for_end
from tests.pages.support import OpenPage, said


@pytest.fixture
def found(finished: Run, shared: Workspace) -> Predictions:
    return read_predictions(shared, finished.id)


def grid(app: AppTest) -> dict[str, Any]:
    """What the grid was given."""
    given = [json.loads(each.proto.json) for each in app.get("bidi_component")]
    return next((data for data in given if "keys" in data), {"keys": [], "captions": [], "selected": []})


def expected(found: Predictions, sample_filter: SampleFilter, sort: str = "loss") -> list[str]:
    """Ids in order, from the library."""
    table = prediction_table(found)
    return select_samples(table, sample_filter, sort)["id"].tolist()


@pytest.mark.parametrize("sort", SORTS)
def test_sorts_as_the_library_does_and_prints_the_score(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions, sort: str
) -> None:
    app = open_page(shared, "misclassified", run=finished.id)
    app.selectbox(key="misclassified_sort").set_value(sort).run()
    assert not app.exception
    assert grid(app)["keys"] == expected(found, SampleFilter(), sort)[:48]
    wanted = f"{sort} " if sort in SCORES and sort != "confidence" else "%"
    assert all(wanted in caption for caption in grid(app)["captions"])


def test_filters_come_from_the_address_and_go_back_into_it(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", confidence="0.1~0.6", text="0002")
    wanted = SampleFilter(outcome="all", ranges={"confidence": (0.1, 0.6)}, text="0002")
    assert grid(app)["keys"] == expected(found, wanted)
    app.multiselect(key="misclassified_true").set_value(["cat", "dog"]).run()
    assert app.query_params["true"] == ["cat", "dog"]
    app.button(key="misclassified_reset").click().run()
    assert grid(app)["keys"] == expected(found, SampleFilter())[:48]
    assert set(app.query_params) == {"run"}


def test_scores_can_be_bounded(open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions) -> None:
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", size="192")
    app.slider(key="misclassified_entropy").set_value((0.5, 2.0)).run()
    assert grid(app)["keys"] == expected(found, SampleFilter(outcome="all", ranges={"entropy": (0.5, 2.0)}))


def test_at_most_so_many_of_each_pair(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id, per_pair="1")
    assert grid(app)["keys"] == expected(found, SampleFilter(per_pair=1))[:48]


def test_only_a_page_of_pictures_is_sent(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    everything = expected(found, SampleFilter(outcome="all"))
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", page="3")
    assert grid(app)["keys"] == everything[96:]
    app.multiselect(key="misclassified_true").set_value(["cat"]).run()
    assert grid(app)["keys"] == expected(found, SampleFilter(outcome="all", true=("cat",)))
    assert "page" not in app.query_params, "another filter begins at its first page"


def test_selects_a_page_all_that_match_or_none(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id, outcome="all")
    app.button(key="misclassified_this page").click().run()
    assert "**48** selected" in said(app)
    assert grid(app)["selected"] == grid(app)["keys"]
    app.button(key="misclassified_all that match").click().run()
    assert "**100** selected" in said(app)
    app.button(key="misclassified_clear").click().run()
    assert "**0** selected" in said(app)
    assert grid(app)["selected"] == []


def test_saves_the_selection_with_the_dataset_s_own_pixels(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    before = set(shared.exports.iterdir())
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", true="cat")
    app.button(key="misclassified_all that match").click().run()
    app.button(key="misclassified_save").click().run()
    assert app.button(key="misclassified_save").disabled, "the script does not wait: a job saves them"
    job = save_job(shared, finished.id)
    wait_for_end(job)
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", true="cat")
    assert not app.error, "another session finds the job too"
    (folder,) = set(shared.exports.iterdir()) - before
    assert str(folder) in said(app)
    wanted = expected(found, SampleFilter(outcome="all", true=("cat",)))
    pictures = sorted(folder.glob("*_true-cat_*.png"))
    assert len(pictures) == len(wanted)
    place = found.ids.tolist().index(wanted[0])
    saved = np.asarray(Image.open(pictures[0])).transpose(2, 0, 1)
    assert (saved == open_dataset(shared, "tiny").test.images[place]).all()
    app.button(key="misclassified_save_dismiss").click().run()
    assert str(folder) not in said(app) and not app.button(key="misclassified_save").disabled and folder.is_dir()


def test_pictures_of_another_dataset_of_the_same_name_are_not_shown(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    app = open_page(epochs_of_their_own, "misclassified", run="late")
    assert grid(app)["keys"]
    delete_dataset(epochs_of_their_own, "tiny")
    save_tiny(epochs_of_their_own, seed=7)
    app.run()
    assert ["fingerprint differs" in error.value for error in app.error] == [True]
    assert not grid(app)["keys"]


def test_a_picture_in_the_address_opens_large(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    first = expected(found, SampleFilter())[0]
    app = open_page(shared, "misclassified", run=finished.id, image=first)
    assert first in [code.value for code in app.code]
    assert {metric.label for metric in app.metric} == {score.title for score in SCORES.values()}
    assert "1 of" in said(app)


def test_no_match_is_said(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "misclassified", run=finished.id, text="no such id")
    assert "No picture matches" in said(app)
    assert grid(app)["keys"] == []


@pytest.mark.parametrize("page", ["home", "confusion", "misclassified"])
def test_a_run_without_a_mistake_says_so(
    page: str, open_page: OpenPage, finished: Run, shared: Workspace, tmp_path: Path
) -> None:
    workspace = open_workspace(tmp_path / "perfect")
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    folder = workspace.runs / finished.id
    shutil.copytree(shared.runs / finished.id, folder)
    assert finished.best is not None
    make_perfect(RunFolder(folder), finished.best.epoch)
    app = open_page(workspace, page, run=finished.id)
    words = {
        "home": "0 of 100",
        "confusion": "None: every picture",
        "misclassified": "Correct and All, above, show them",
    }
    assert words[page] in said(app) + " ".join(metric.value for metric in app.metric)
    assert "Its worst mistakes" not in said(app)


@pytest.mark.fault(19)
def test_a_run_deleted_while_a_picture_is_open_is_a_sentence(
    open_page: OpenPage, finished: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drawer is redrawn by itself, and looks the predictions up again."""
    whole, looks = GalleryQuery.load, []

    def load(query: GalleryQuery) -> GalleryContent:
        looks.append(query)
        if len(looks) > 1:
            raise RunError("There is no run of this name any more.")
        return whole(query)

    app = open_page(shared, "misclassified", run=finished.id)
    monkeypatch.setattr(GalleryQuery, "load", load)
    app.query_params["image"] = read_predictions(shared, finished.id).ids[0]
    app.run()
    assert not app.exception and len(looks) == 2
    assert any("no run of this name" in error.value for error in app.error)
