"""Confusion: a cell chosen by select boxes or URL shows exactly its pictures. Clicks are tested in a browser."""

import io
import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cifar_core.data import check_dataset, open_dataset
from cifar_core.evaluate import checks, confusion_matrix
from cifar_core.export import table_csv
from cifar_core.figures.cells import STEPS
from cifar_core.jobs import start
from cifar_core.jobs.job import JobState
from cifar_core.runs import Predictions, Run, read_metrics, read_predictions, read_run, recompute_job, seen_pictures
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.sample_files import read_samples, samples_content
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace, open_workspace
from pages.ui.caches import load_findings
from pages.ui.components.confusion_grid import _parse_report
from pages.ui.understand.confusion_tables import SCORES, _choose_row, _classes_with_notes
from tests.jobs.support import wait_for_end
from tests.pages.support import OpenPage, components, said, shown_grid


@pytest.fixture
def found(finished: Run, shared: Workspace) -> Predictions:
    return read_predictions(shared, finished.id)


def shown(app: AppTest) -> list[str]:
    """Ids of the pictures in the grid."""
    keys: list[str] = shown_grid(app)["keys"]
    return keys


def matrix_of(app: AppTest) -> dict[str, Any]:
    """What the matrix shows."""
    return next(data for data in components(app) if "shades" in data)


def cell_of(found: Predictions, *, mistake: bool) -> tuple[str, str, set[str]]:
    """The fullest cell of its kind: true, predicted, the ids of its pictures."""
    predicted = found.probs.argmax(axis=1)
    matrix = confusion_matrix(found).counts
    rows, columns = (found.labels != predicted, predicted) if mistake else (found.labels == predicted, predicted)
    true, other = max(zip(found.labels[rows], columns[rows], strict=True), key=lambda pair: matrix[pair])
    ids = found.ids[(found.labels == true) & (predicted == other)]
    return found.class_names[true], found.class_names[other], set(ids.tolist())


@pytest.mark.parametrize("mistake", [True, False])
def test_a_cell_shows_exactly_its_pictures(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions, mistake: bool
) -> None:
    true, predicted, ids = cell_of(found, mistake=mistake)
    app = open_page(shared, "confusion", run=finished.id)
    assert shown(app) == []
    app.selectbox(key="confusion_true").set_value(true).run()
    app.selectbox(key="confusion_predicted").set_value(predicted).run()
    assert not app.exception
    assert set(shown(app)) == ids
    assert f"true {true} → predicted {predicted} · {len(ids)}" in said(app)
    place = [found.class_names.index(name) for name in (true, predicted)]
    assert matrix_of(app)["chosen"] == place
    assert matrix_of(app)["details"][place[0]][place[1]].startswith(f"{len(ids)} of ")
    assert (app.query_params["true"], app.query_params["predicted"]) == (true, predicted)


def test_the_address_alone_brings_the_cell_back_and_the_way_back_shows_the_pairs(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    true, predicted, ids = cell_of(found, mistake=True)
    app = open_page(shared, "confusion", run=finished.id, true=true, predicted=predicted)
    assert set(shown(app)) == ids and "Most confused pairs" not in said(app)
    assert "All: " not in said(app), "the title says it"
    assert not any(words in caption for caption in shown_grid(app)["captions"] for words in ("true", "predicted"))
    app.button(key="confusion_back").click().run()
    assert shown(app) == [] and "Most confused pairs" in said(app)
    assert "true" not in app.query_params and matrix_of(app)["chosen"] is None


def test_long_names_leave_room_for_the_numbers() -> None:
    """All columns are as wide as the place beside the matrix in a window of 1366 pixels, less that of the ticks."""

    script = """
import pandas as pd
from pages.ui.understand.confusion_tables import show_pairs
numbers = {"count": [9], "share_of_true": [0.5], "reverse_count": [1]}
show_pairs(pd.DataFrame({"true": ["Tomato Mosaic Virus (healthy)"], "predicted": ["cat"], **numbers}))
"""
    app = AppTest.from_string(script).run()
    assert not app.exception
    widths = [column["width"] for column in json.loads(app.dataframe[0].proto.columns).values() if "width" in column]
    assert len(widths) == 5 and sum(widths) <= 460 - 34


def test_a_class_alone_shows_its_mistakes(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions
) -> None:
    true, _, _ = cell_of(found, mistake=True)
    app = open_page(shared, "confusion", run=finished.id, true=true)
    wrong = (found.labels == found.class_names.index(true)) & (found.probs.argmax(axis=1) != found.labels)
    assert set(shown(app)) == set(found.ids[wrong].tolist())


def test_another_epoch_has_its_own_numbers(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    assert finished.best is not None
    best = finished.best.epoch
    other = next(int(epoch) for epoch in read_metrics(shared, finished.id)["epoch"] if epoch != best)
    app = open_page(shared, "confusion", run=finished.id, epoch=str(other))
    assert f"epoch {other} of" in said(app)
    found = read_predictions(shared, finished.id, other)
    report = app.dataframe[-1].value
    matrix = confusion_matrix(found).counts
    assert report["predicted"].tolist()[:-2] == matrix.sum(axis=0).tolist()
    app.select_slider(key="confusion_epoch").set_value(best).run()
    assert f"epoch {best} of" in said(app)
    assert "epoch" not in app.query_params, "the best epoch is what the address means without one"


def test_the_scale_can_be_held_over_the_epochs(
    open_page: OpenPage, finished: Run, shared: Workspace, found: Predictions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The strongest colour is then the largest cell of all epochs, whichever is shown."""
    best = finished.best.epoch if finished.best else 0
    (other,) = set(read_metrics(shared, finished.id)["epoch"]) - {best}

    def mistaken(_: Workspace, __: str, epoch: int | None = None) -> Predictions:
        """All is right but some pictures of class 0, taken for class 1: 2 at the best epoch, and 6 at the other."""
        predicted = found.labels.copy()
        predicted[np.flatnonzero(found.labels == 0)[: 2 if epoch == best else 6]] = 1
        return replace(found, probs=np.eye(10, dtype=np.float32)[predicted])

    monkeypatch.setattr("pages.ui.caches.read_predictions", mistaken)
    app = open_page(shared, "confusion", run=finished.id)
    assert matrix_of(app)["top"] == "2 pictures" and matrix_of(app)["shades"][0][1] == STEPS
    app.toggle(key="confusion_hold").set_value(True).run()
    assert app.query_params["hold"] == "1"
    assert matrix_of(app)["top"] == "6 pictures" and matrix_of(app)["shades"][0][1] == 34
    app.select_slider(key="confusion_epoch").set_value(other).run()
    assert matrix_of(app)["top"] == "6 pictures" and matrix_of(app)["shades"][0][1] == STEPS
    assert "100 % of all mistakes" in said(app)


@pytest.mark.parametrize(
    "report",
    [
        None,
        "x",
        {},
        {"row": 0},
        {"row": -1, "column": 0, "turn": 1},
        {"row": 0, "column": 3, "turn": 1},
        {"row": True, "column": 0, "turn": 1},
        {"row": 0.5, "column": 0, "turn": 1},
        {"row": 0, "column": 0, "turn": "1"},
        {"row": 0, "column": 1, "turn": 1, "classes": ["x", "z"]},  # of the matrix of another run
    ],
)
def test_a_report_of_the_matrix_that_makes_no_sense_is_ignored(report: Any) -> None:
    assert _parse_report(report, ["x", "y", "z"]) is None
    assert _parse_report({"row": 2, "column": 0, "turn": 1, "classes": ["z", "x"]}, ["x", "y", "z"]) == (2, 0)


def test_a_click_anywhere_in_a_row_of_the_pairs_chooses_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    for rows, cells in (([1], []), ([], [(1, "predicted")])):
        state.clear()
        state["table"] = SimpleNamespace(selection=SimpleNamespace(rows=rows, cells=cells))
        _choose_row("table", [("a", "b"), ("c", None)])
        assert (state["confusion_true"], state["confusion_predicted"]) == ("c", None)
    state.clear()
    state["table"] = SimpleNamespace(selection=SimpleNamespace(rows=[2], cells=[]))
    _choose_row("table", [("a", "b"), ("c", None)])
    assert "confusion_true" not in state, "an average is no class"


def test_nonsense_in_the_address_is_ignored(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(
        shared, "confusion", run=finished.id, true="<script>", epoch="NaN", by="x", page="-3", size="1e9", image="../x"
    )
    assert not app.error
    assert set(app.query_params) <= {"run", "image"}


def test_the_matrix_is_told_in_words(open_page: OpenPage, finished: Run, shared: Workspace) -> None:
    app = open_page(shared, "confusion", run=finished.id)
    assert "of 100 pictures are mistakes" in matrix_of(app)["label"]
    assert app.subheader[0].value.endswith(" of all mistakes")
    assert "n \\= 100" in said(app), "the facts line names split and n"


@pytest.mark.fault(80)
def test_an_accuracy_stands_with_and_without_the_pictures_seen_in_training(
    open_page: OpenPage, copy: Workspace, finished: Run
) -> None:
    """Of a run of today by what it keeps; of an earlier one by its dataset, once that has been checked."""
    folder = run_folder(copy, finished.id)
    samples = read_samples(folder.samples("test"))
    seen = np.arange(len(samples.labels)) < 40
    folder.samples("test").write_bytes(samples_content(replace(samples, seen=seen)))
    facts = json.loads(folder.facts.read_text())
    facts["dataset"]["test_seen"] = 40
    folder.facts.write_text(json.dumps(facts))
    app = open_page(copy, "confusion", run=finished.id)
    right = read_predictions(copy, finished.id).predicted == samples.labels
    with_them, without = (f"{100 * part.mean():.1f}\u00a0%" for part in (right, right[~seen]))
    assert "40 of 100 test pictures were seen in training" in app.warning[0].value
    assert f"on all 100 test pictures: **{with_them}**; without the 40 seen in training {without} (n = 60" in said(app)
    folder.samples("test").write_bytes(samples_content(replace(samples, seen=None)))
    facts["dataset"] |= {"test_seen": None, "validation_seen": None}
    folder.facts.write_text(json.dumps(facts))
    run = read_run(copy, finished.id)
    (copy.data / "tiny" / "check.json").unlink()
    assert seen_pictures(copy, run, read_predictions(copy, run.id)) is None
    dataset = open_dataset(copy, "tiny")
    check_dataset(copy, dataset)
    found = seen_pictures(copy, run, read_predictions(copy, run.id))
    assert found is not None and not found.any()


NUMBERED = ("0", "1", "2", "10", "é", "猫", "日本語のとても長い名前", "Straße", "кот", "NA")


@pytest.fixture
def one_class_absent(found: Predictions, monkeypatch: pytest.MonkeyPatch) -> Predictions:
    """Predictions without pictures of the class `2`, but as it; the class `é` is never predicted."""
    labels = np.where(found.labels == 2, 3, found.labels)
    predicted = np.where(labels == 4, 5, found.labels)
    other = replace(found, labels=labels, probs=np.eye(10, dtype=np.float32)[predicted], class_names=NUMBERED)
    monkeypatch.setattr("pages.ui.caches.read_predictions", lambda *_, **__: other)
    return other


@pytest.mark.fault(78, 81, 85)
def test_a_class_without_test_pictures_says_so(
    open_page: OpenPage, finished: Run, shared: Workspace, one_class_absent: Predictions
) -> None:
    app = open_page(shared, "confusion", run=finished.id, true="2", by="true")
    assert "There are no test pictures of 2." in said(app)
    table = app.dataframe[-1]
    assert table.proto.placeholder == "no test pictures"
    assert table.value["class"].tolist()[:-2] == list(NUMBERED), "in the order of the classes"
    assert [name == "2" for name in NUMBERED] == table.value["chance"].isna().tolist()[:-2]
    scores = table.value.set_index("class").loc[["0", "2", "é"], SCORES]
    assert scores.to_numpy().tolist() == [
        ["1.000", "1.000", "1.000"],
        ["0.000", "no test pictures", "no test pictures"],
        ["never predicted", "0.000", "0.000"],
    ]
    assert "Averages of precision are over 9 of 10 classes\\: é is never predicted" in said(app)
    assert "Averages of recall and F1 are over 9 of 10 classes\\: there are no test pictures of 2" in said(app)
    assert '"type": "progress"' not in table.proto.columns.replace('":"', '": "'), "a bar would stay blank"
    assert app.selectbox(key="confusion_true").options == list(NUMBERED)
    gallery = open_page(shared, "misclassified", run=finished.id, true="2", outcome="all")
    assert "There are no test pictures of 2." in said(gallery)


@pytest.mark.fault(78, 81)
def test_the_class_table_for_download_says_what_is_undefined(
    finished: Run, shared: Workspace, one_class_absent: Predictions
) -> None:
    st.cache_resource.clear()
    content = table_csv(_classes_with_notes(load_findings(shared, finished)))
    table = pd.read_csv(io.BytesIO(content), keep_default_na=False, na_values={name: [""] for name in SCORES})
    assert table["class"].tolist()[:-2] == list(NUMBERED)
    assert all(table[name].dtype == float for name in SCORES)
    notes = {"2": "no test pictures", "é": "never predicted"}
    assert table["note"].tolist()[:-2] == [notes.get(name, "") for name in NUMBERED]
    assert (table[SCORES].isna().any(axis=1) == (table["note"] != ""))[:-2].all()
    for note in table["note"][-2:]:
        assert note.startswith("Averages of precision are over 9 of 10 classes: é is never predicted. Averages of ")


@pytest.fixture
def copy(finished: Run, shared: Workspace, tmp_path: Path) -> Workspace:
    """A workspace for this test alone, with a copy of the finished run and its dataset."""
    workspace = open_workspace(tmp_path / "copy")
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    return workspace


@pytest.mark.fault(7)
def test_damaged_predictions_are_made_anew_at_a_click(
    open_page: OpenPage, copy: Workspace, finished: Run, found: Predictions
) -> None:
    """Confusion and Misclassified say what is wrong and have the button that recomputes."""
    path = copy.runs / finished.id / "predictions" / "test.npz"
    path.write_bytes(path.read_bytes()[:-100])
    other = open_page(copy, "misclassified", run=finished.id)
    assert "cannot be read" in other.error[0].value and other.button(key="mend_recompute").label
    app = open_page(copy, "confusion", run=finished.id)
    assert "cannot be read" in app.error[0].value and not any("shades" in data for data in components(app))
    app.button(key="mend_recompute").click().run()
    wait_for_end(recompute_job(copy, finished.id))
    app.run()
    assert not app.exception and not app.error and matrix_of(app)
    assert np.array_equal(read_predictions(copy, finished.id).probs, found.probs)


@pytest.mark.fault(7, 97)
def test_recomputing_is_a_job_that_every_session_finds_and_can_cancel(
    open_page: OpenPage, copy: Workspace, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script does not wait for it: no process answers here, and the page is drawn nevertheless."""
    path = copy.runs / finished.id / "predictions" / "test.npz"
    whole = path.read_bytes()
    path.write_bytes(b"")
    monkeypatch.setattr(start, "spawn", lambda *_: None)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    job = recompute_job(copy, finished.id)
    job.make()
    with hold_lock(job.lock):
        job.request.write_text('{"kind": "recompute"}')
        job.state.write_text(json.dumps(asdict(JobState("recompute", "running", "Predicting", 50, 100, "pictures"))))
        app = open_page(copy, "confusion", run=finished.id)
        (bar,) = app.progress
        assert (bar.value, bar.text) == (50, "Predicting · 50 of 100 pictures")
        assert "mend_recompute" not in {button.key for button in app.button}
        other = open_page(copy, "misclassified", run=finished.id)
        other.button(key="mend_recompute_cancel").click().run()
        assert job.cancel_file.exists()
        assert app.run().progress[0].text == "Cancelling…"
    app.run()
    assert not app.progress and "It was cancelled; nothing was changed." in said(app)
    assert app.button(key="mend_recompute").label == "Retry"
    app.button(key="mend_recompute").click().run()
    assert not job.cancel_file.exists(), "it was started again"
    assert "ended early" in app.error[1].value, "its process never lived"
    path.write_bytes(whole)
    assert matrix_of(app.run()) and not app.error


@pytest.mark.fault(7)
def test_predictions_that_cannot_be_made_anew_say_why(open_page: OpenPage, copy: Workspace, finished: Run) -> None:
    folder = copy.runs / finished.id
    (folder / "predictions" / "test.npz").unlink()
    for weights in (folder / "best").iterdir():
        weights.unlink()
    app = open_page(copy, "confusion", run=finished.id)
    app.button(key="mend_recompute").click().run()
    assert not app.exception
    assert "are missing" in app.error[0].value and "duplicate the run to train the network again" in app.error[1].value


def count_calls(monkeypatch: pytest.MonkeyPatch, *functions: Callable[..., Any]) -> Counter[str]:
    """How often each function is called from now on, whichever module of ours calls it."""
    calls: Counter[str] = Counter()
    modules = [module for name, module in sys.modules.items() if name.startswith(("cifar_core", "pages"))]
    for function in functions:

        def counted(*given: Any, _function: Callable[..., Any] = function, **named: Any) -> Any:
            calls[_function.__name__] += 1
            return _function(*given, **named)

        for module in modules:
            if getattr(module, function.__name__, None) is function:
                monkeypatch.setattr(module, function.__name__, counted)
    return calls


def test_one_look_checks_each_array_once_and_counts_the_matrix_once(
    open_page: OpenPage, finished: Run, shared: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(shared, "confusion", run=finished.id)
    checks_of = (checks.check_predictions, checks.check_probs, checks.check_class_names, checks.check_matrix)
    calls = count_calls(monkeypatch, *checks_of, confusion_matrix)
    st.cache_resource.clear()
    app.run()
    assert not app.exception
    assert calls == dict.fromkeys([function.__name__ for function in (*checks_of, confusion_matrix)], 1)
    app.run()
    assert calls.total() == 5, "a rerun takes what the cache holds"
