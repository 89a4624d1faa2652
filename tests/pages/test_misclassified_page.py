"""Misclassified: filters, chips, sort, paging, selection, saving; the grid itself is tested in a browser."""

import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cifar_core.data import delete_dataset, open_dataset
from cifar_core.data.array_files import write_array
from cifar_core.errors import RunError
from cifar_core.evaluate import SCORES
from cifar_core.export import predictions_csv, predictions_parquet, save_job
from cifar_core.jobs.job import JobState
from cifar_core.processes import spawn
from cifar_core.runs import Predictions, Run, read_predictions
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples import FILTERS, SORTS, SampleFilter, prediction_table, select_samples
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery
from pages.ui.understand.prediction_download import _make_file
from tests.conftest import make_perfect, save_tiny
from tests.jobs.support import wait_for_end
from tests.pages.support import OpenPage, said, shown_grid, shown_scores


@pytest.fixture
def found(finished: Run, shared: Workspace) -> Predictions:
    return read_predictions(shared, finished.id)


def chips(app: AppTest) -> list[str]:
    """What the page says that it filters."""
    return [button.label for button in app.button if (button.key or "").startswith("misclassified_lift_")]


def expected(found: Predictions, sample_filter: SampleFilter, sort: str = "loss") -> list[str]:
    """Ids in order, from the library."""
    table = prediction_table(found)
    return select_samples(table, sample_filter, sort)["id"].tolist()


def test_sorts_as_the_library_does_and_prints_the_score(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id)
    for sort in SORTS:
        app.button_group(key="misclassified_sort").set_value(sort).run()
        assert not app.exception
        assert shown_grid(app)["keys"] == expected(found, SampleFilter(), sort)[:48]
        wanted = f"{sort} " if sort in SCORES and sort != "confidence" else "%"
        assert all(wanted in caption for caption in shown_grid(app)["captions"])
        assert all("predicted" in label for label in shown_grid(app)["labels"])
    sizes = [shown_grid(app.button_group(key="misclassified_tile").set_value(size).run())["tile"] for size in "SML"]
    assert sizes == sorted(set(sizes)) and app.query_params["tile"] == "L"


def test_confidently_wrong_are_only_mistakes(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    """Choosing that sort shows them; with correct pictures among them it is called otherwise."""
    app = open_page(shared, "misclassified", run=finished.id, outcome="all")
    sort, outcome = "misclassified_sort", "misclassified_outcome"
    app.button_group(key=sort).set_value("confidence").run()
    assert app.button_group(key=outcome).value == "mistakes" and "outcome" not in app.query_params
    assert shown_grid(app)["keys"] == expected(found, SampleFilter(), "confidence")[:48]
    assert "Confidently wrong" in sort_titles(app)
    app.button_group(key=outcome).set_value("all").run()
    assert app.button_group(key=sort).value == "confidence"
    assert shown_grid(app)["keys"] == expected(found, SampleFilter(outcome="all"), "confidence")[:48]
    assert "Most confident" in sort_titles(app) and "Confidently wrong" not in sort_titles(app)
    app.button_group(key=sort).set_value("loss").run()
    assert app.button_group(key=outcome).value == "all" and "Confidently wrong" in sort_titles(app)


def sort_titles(app: AppTest) -> list[str]:
    return [option.content for option in app.button_group(key="misclassified_sort").proto.options]


def test_filters_come_from_the_url_are_named_by_chips_and_lifted_by_them(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    """Also while the panel is folded."""
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", entropy="0~2.29", text="0002", page="9")
    table = prediction_table(found)
    wanted = SampleFilter(outcome="all", ranges={"entropy": (0.0, 2.29)}, text="0002")
    assert shown_grid(app)["keys"] == expected(found, wanted)
    assert len(chips(app)) == 2 and "0002" in chips(app)[1] and not app.multiselect
    assert f"**{len(shown_grid(app)['keys'])}** of 100 pictures match" in said(app)

    app.button(key="misclassified_fold").click().run()
    app.multiselect(key="misclassified_true").set_value(["cat", "dog"]).run()
    assert app.query_params["true"] == ["cat", "dog"] and "true cat or dog" in chips(app)
    slider = app.slider(key="misclassified_loss")
    assert slider.min <= table["loss"].min() < slider.min + 0.02
    assert slider.max - 0.02 < table["loss"].max() <= slider.max
    pictures = [image.proto.imgs[0].alt for image in app.get("image")]
    assert len(pictures) == len(FILTERS) and all("100 pictures" in words for words in pictures)
    slider.set_value((slider.min, round(slider.max - 0.05, 2))).run()
    assert app.query_params["loss"] == f"~{slider.max - 0.05:g}"
    app.button(key="misclassified_fold").click().run()
    assert len(chips(app)) == 4 and not app.slider

    for name in ("entropy", "loss", "text"):
        app.button(key=f"misclassified_lift_{name}").click().run()
        assert name not in app.query_params
    assert chips(app) == ["true cat or dog"]
    assert shown_grid(app)["keys"] == expected(found, SampleFilter(outcome="all", true=("cat", "dog")))[:48]
    app.button(key="misclassified_reset").click().run()
    assert shown_grid(app)["keys"] == expected(found, SampleFilter())[:48]
    assert set(app.query_params) == {"run"} and not chips(app)


def test_a_range_follows_the_data_of_the_epoch(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    """The second epoch is made a network that is sure: its loss reaches further."""
    folder = RunFolder(epochs_of_their_own.runs / "early")
    write_array(folder.probs("test", 2), np.eye(10, dtype=np.float32)[np.arange(100) % 7])
    app = open_page(epochs_of_their_own, "misclassified", run="early", confidence="0~0.9", loss="2~28")
    app.button(key="misclassified_fold").click().run()
    assert app.slider(key="misclassified_loss").value == (2.0, app.slider(key="misclassified_loss").max)
    assert "confidence" not in app.query_params, "nothing is above 0.9"
    app.select_slider(key="misclassified_epoch").set_value(2).run()
    loss, confidence = app.slider(key="misclassified_loss"), app.slider(key="misclassified_confidence")
    assert loss.max > 20 and loss.value == (2.0, loss.max)
    assert confidence.value == (confidence.min, confidence.max) and app.query_params["loss"] == "2~"
    app.button(key="misclassified_fold").click().run()
    app.select_slider(key="misclassified_epoch").set_value(1).run()
    app.button(key="misclassified_fold").click().run()
    loss = app.slider(key="misclassified_loss")
    assert loss.max < 20 and loss.value == (2.0, loss.max), "also while the panel was folded"


def test_at_most_so_many_of_each_pair(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id, per_pair="1")
    assert shown_grid(app)["keys"] == expected(found, SampleFilter(per_pair=1))[:48]


def test_only_a_page_of_pictures_is_sent(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    everything = expected(found, SampleFilter(outcome="all"))
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", page="3")
    assert shown_grid(app)["keys"] == everything[96:]
    app.button_group(key="misclassified_outcome").set_value("correct").run()
    assert shown_grid(app)["keys"] == expected(found, SampleFilter(outcome="correct"))
    assert "page" not in app.query_params, "another filter begins at its first page"


def test_one_selection_of_a_run_on_all_pages_brought_back_by_the_browser(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = expected(found, SampleFilter(outcome="all"))
    stored: dict[str, list[str]] = {f"selected_{finished.id}": [wanted[0], "no such picture"]}

    def storage(name: str, items: list[str], *, heard: bool, on_heard: Callable[[list[str]], None]) -> None:
        if heard:
            stored[name] = items
        else:
            assert items == []
            on_heard(stored.get(name, []))

    monkeypatch.setattr("pages.ui.understand.selection.browser_storage", storage)
    app = open_page(shared, "misclassified", run=finished.id, outcome="all")
    assert shown_grid(app)["selected"] == wanted[:1], "as the browser kept it"
    assert "**1 selected**" in said(app)
    app.button(key="misclassified_this page").click().run()
    assert "**48 selected**" in said(app)
    assert shown_grid(app)["selected"] == shown_grid(app)["keys"]
    app.button(key="misclassified_all that match").click().run()
    assert "**100 selected**" in said(app)
    assert stored[f"selected_{finished.id}"] == sorted(wanted)
    app.switch_page("pages/confusion.py")
    app.query_params["run"], app.query_params["true"] = finished.id, "cat"
    app.run()
    assert "**100 selected**" in said(app), "Confusion speaks of the same selection"
    assert shown_grid(app)["selected"] == shown_grid(app)["keys"] != []
    app.button(key="confusion_clear").click().run()
    assert "selected**" not in said(app) and "confusion_save" not in [button.key for button in app.button]
    assert stored[f"selected_{finished.id}"] == shown_grid(app)["selected"] == []


def test_saves_the_selection_with_the_dataset_s_own_pixels(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def spawn_frozen(*arguments: Any) -> "subprocess.Popen[bytes]":
        started.append(spawn(*arguments))
        started[-1].send_signal(signal.SIGSTOP)
        return started[-1]

    monkeypatch.setattr("cifar_core.jobs.start.spawn", spawn_frozen)
    before = set(shared.exports.iterdir())
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", true="cat")
    app.button(key="misclassified_all that match").click().run()
    app.button(key="misclassified_save").click().run()
    assert app.button(key="misclassified_save").disabled, "the script does not wait: a job saves them"
    started[-1].send_signal(signal.SIGCONT)
    app.switch_page("pages/home.py").run()
    wait_for_end(save_job(shared, finished.id))
    assert not app.toast
    app.switch_page("pages/confusion.py").run()
    (folder,) = set(shared.exports.iterdir()) - before
    assert f"{finished.id}-epoch-{found.epoch}-by-loss" in folder.name
    assert f"to exports/{folder.name}" in app.toast[0].value.replace("\\", ""), "though it ended meanwhile"
    assert str(folder) in said(app), "to copy"
    app.run()
    assert not app.toast, "told once"
    again = open_page(shared, "misclassified", run=finished.id)
    assert not again.toast and not again.error, "another session did not wait for it"
    wanted = expected(found, SampleFilter(outcome="all", true=("cat",)))
    pictures = sorted(folder.glob("*_true-cat_*.png"))
    assert len(pictures) == len(wanted)
    place = found.ids.tolist().index(wanted[0])
    saved = np.asarray(Image.open(pictures[0])).transpose(2, 0, 1)
    assert (saved == open_dataset(shared, "tiny").test.images[place]).all()


def test_all_predictions_are_one_click_away(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id, true="cat")
    buttons = [button.proto for button in app.get("download_button")]
    assert {button.label for button in buttons} == {"Predictions (CSV)", "Predictions (Parquet)"}
    for title, made in (("CSV", predictions_csv(found, {})), ("Parquet", predictions_parquet(found, {}))):
        assert _make_file(shared, finished, found.epoch, title) == made, "whatever is filtered"


def test_a_failed_save_stays_in_sight_until_it_is_dismissed(
    open_page: OpenPage, finished: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, dismissed = JobState("save", "failed", error="The disk is full."), []
    monkeypatch.setattr("pages.ui.understand.selection_bar.read_job", lambda job: None if dismissed else failed)
    monkeypatch.setattr("pages.ui.components.job_view.read_job", lambda job: failed)
    monkeypatch.setattr("pages.ui.understand.selection_bar.dismiss_job", dismissed.append)
    app = open_page(shared, "misclassified", run=finished.id)
    assert [error.value.replace("\\", "") for error in app.error] == ["The disk is full."]
    app.button(key="misclassified_save_dismiss").click().run()
    assert len(dismissed) == 1 and not app.error


@pytest.mark.fault(86)
def test_pictures_that_are_gone_leave_the_numbers_and_are_linked_to_a_copy(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    """The dataset of the run's name is another one now: tiles say what was predicted, but nothing can be saved."""
    app = open_page(epochs_of_their_own, "misclassified", run="late")
    before = shown_grid(app)
    assert before["keys"]
    delete_dataset(epochs_of_their_own, "tiny")
    save_tiny(epochs_of_their_own, seed=7)
    app.run()
    grid = shown_grid(app)
    assert (grid["keys"], grid["captions"]) == (before["keys"], before["captions"]) and grid != before
    assert "fingerprint differs" in said(app)
    assert "misclassified_missing_bring_back" not in {button.key for button in app.button}, "the name is taken"
    app.button(key="misclassified_this page").click().run()
    save = app.button(key="misclassified_save")
    assert save.disabled and "fingerprint differs" in said(app)
    save_tiny(epochs_of_their_own, "copy")
    app.run()
    app.button(key="misclassified_missing_link_copy").click().run()
    assert shown_grid(app)["keys"] == before["keys"] and "fingerprint differs" not in said(app)
    assert not app.button(key="misclassified_save").disabled and not app.exception


@pytest.mark.slow
def test_no_page_fails_without_the_dataset(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    """Each says why pictures are missing, has the numbers all the same, and brings a deleted dataset back."""
    image = read_predictions(epochs_of_their_own, "late").ids[0]
    delete_dataset(epochs_of_their_own, "tiny")
    for page, address in (
        ("home", {}),
        ("train", {"run": "late", "view": "Watch"}),
        ("runs", {"runs": "late,early"}),
        ("confusion", {"run": "late", "true": "airplane"}),
        ("picture", {"run": "late"}),
        ("picture", {"run": "late", "id": str(image)}),
        ("predict", {"run": "late"}),
        ("data", {}),
    ):
        app = open_page(epochs_of_their_own, page, **address)
        assert not app.error, (page, [error.value for error in app.error])
        assert page in ("runs", "predict", "data") or "The dataset tiny was deleted" in said(app).replace("\\", ""), (
            page
        )
    app = open_page(epochs_of_their_own, "misclassified", run="late", image=str(image))
    assert str(image) in [code.value for code in app.code]
    app.button(key="misclassified_missing_bring_back").click().run()
    assert "was deleted" not in said(app) and open_dataset(epochs_of_their_own, "tiny").test.ids[0] == image


def test_a_picture_in_the_address_opens_large(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    first = expected(found, SampleFilter())[0]
    app = open_page(shared, "misclassified", run=finished.id, image=first)
    assert first in [code.value for code in app.code]
    assert set(shown_scores(app)) >= {score.title for score in SCORES.values()}
    assert "1 of" in said(app)


def test_no_match_names_what_is_filtered(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "misclassified", run=finished.id, text="no such id", true="cat")
    words = "No picture matches: only wrong ones, true cat, id with “no such id”."
    assert words in said(app).replace("\\", "")
    assert shown_grid(app)["keys"] == []


def test_right_and_wrong_tiles_differ_where_both_are_shown_and_what_all_share_stands_above(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    app = open_page(shared, "misclassified", run=finished.id, outcome="all", size="192")
    correct = prediction_table(found).set_index("id")["correct"]
    keys, marks = shown_grid(app)["keys"], shown_grid(app)["marks"]
    assert marks == ["right" if correct[key] else "wrong" for key in keys]
    assert set(marks) == {"right", "wrong"}
    app = open_page(shared, "misclassified", run=finished.id, true="cat")
    assert "All: predicted" in said(app), "the filter says already what the true class is"
    assert set(shown_grid(app)["marks"]) == {""}
    assert not any("true" in caption for caption in shown_grid(app)["captions"])


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
        "home": "No mistakes: it is right on every test picture.",
        "confusion": "None: every picture",
        "misclassified": "Correct and All, above, show them",
    }
    assert words[page] in said(app)
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
