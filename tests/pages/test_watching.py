"""A run that is watched: one number, one sentence, curves, a dozen pictures, and what to look at when it has ended."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cifar_core.config import make_config
from cifar_core.evaluate import most_confused
from cifar_core.runs import (
    ForgottenPicture,
    LearningStep,
    Run,
    create_run,
    read_metrics,
    read_predictions,
    read_run,
)
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from pages.ui.caches import load_findings
from pages.ui.train.end_of_run import things_to_look_at
from pages.ui.train.epoch_curves import EPOCH_COLUMNS, epoch_table
from pages.ui.train.learning_pictures import words_on_step, words_on_turned
from pages.ui.train.result_so_far import headline
from pages.ui.wording import percent
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, components, primaries, said, shown_grid

NONE_WITHIN = pd.DataFrame({"epoch": [], "accuracy": [], "pictures": [], "part": []})
WITHIN = pd.DataFrame({"epoch": [0.25], "accuracy": [0.312], "pictures": [200], "part": ["validation"]})


def test_a_finished_run_says_each_number_once(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    """Its best epoch is the first of two; everything that is shown of it is a fact of this run."""
    run = read_run(epochs_of_their_own, "early")
    assert run.best is not None and run.last is not None
    app = open_page(epochs_of_their_own, "train", run=run.id, view="Watch")
    (metric,) = app.metric
    assert (metric.label, metric.value) == ("Accuracy · test, n = 100", percent(run.best.test_accuracy))
    words = said(app)
    assert percent(run.best.test_accuracy) not in words, "the large number stands nowhere else"
    assert len(app.get("progress")) == 1, "the bar stays, so that nothing below it moves at the end"
    assert "at epoch 2, the last" in words and "95\u00a0% interval" in words
    assert "epoch 1 of 2, the best by validation" in words and "**What happened on the way**" in words
    shown = app.dataframe[0].value
    assert len(shown) == 2 and set(shown) <= set(EPOCH_COLUMNS.values()) and "Learning rate" in shown
    grid, answers = shown_grid(app), read_predictions(epochs_of_their_own, run.id, 2)
    rows = [answers.ids.tolist().index(key) for key in grid["keys"]]
    right = (answers.predicted == answers.labels)[rows]
    assert len(rows) == 12 and grid["marks"] == ["right" if is_right else "wrong" for is_right in right]
    assert f"**{right.sum()} of 12 test pictures** right after epoch 2" in words
    assert len([button for button in app.button if str(button.key).startswith("train_look_")]) == 3
    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert links["Whether it can be trusted"] == links["How it learned"] == f"run={run.id}"
    assert len(primaries(app)) == 1
    loss = next(json.loads(chart.proto.spec) for chart in app.get("plotly_chart") if "loss" in chart.proto.id)
    assert loss["layout"]["yaxis"]["range"]
    app.toggle(key="watch_zoom").set_value(True).run()
    assert not app.exception and app.query_params["zoom"] == "1"
    loss = next(json.loads(chart.proto.spec) for chart in app.get("plotly_chart") if "loss" in chart.proto.id)
    assert "range" not in loss["layout"]["yaxis"]
    app.button(key="train_look_0").click().run()
    (pair, *_) = most_confused(load_findings(epochs_of_their_own, run).matrix).itertuples()
    assert not app.exception and (app.query_params["true"], app.query_params["predicted"]) == (
        pair.true,
        pair.predicted,
    )


def test_without_a_validation_part_the_sentence_does_not_repeat_the_number(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    """It judges the test part then, whose accuracy is the large number."""
    file = RunFolder(epochs_of_their_own.runs / "unjudged").metrics
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for share, line in zip((0.4, 0.5), lines, strict=True):
        line["test_accuracy"] = share
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    app = open_page(epochs_of_their_own, "train", run="unjudged", view="Watch")
    assert [metric.value for metric in app.metric] == [percent(0.5)]
    words = said(app).replace("\u00a0", " ").replace("\\", "")
    assert "test accuracy rose by 10.0 points" in words and "50.0 %" not in words


def test_before_its_first_epoch_a_run_has_pictures_without_an_answer(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny", "epochs": 3}))
    app = open_page(workspace, "train", run=run_id, view="Watch")
    assert [metric.value for metric in app.metric] == ["–"]
    grid = shown_grid(app)
    assert len(grid["keys"]) == 12 and set(grid["marks"]) == {""} and "no answer yet" in grid["labels"][0]
    assert len(app.get("plotly_chart")) == 2, "drawn empty, so that the browser has loaded Plotly by then"
    assert len([data for data in components(app) if "keys" in data]) == 1 and not app.error
    point = {"epoch": 1, "batch": 1, "batches": 4, "accuracy": 0.312, "pictures": 200, "part": "validation"}
    RunFolder(workspace.runs / run_id).within_epochs.write_text(json.dumps(point) + "\n", "utf-8")
    app.run()
    (metric,) = app.metric
    assert (metric.label, metric.value) == ("Accuracy so far · validation, n = 200", percent(0.312))


def test_a_diverged_run_speaks_of_its_divergence(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    status = RunFolder(epochs_of_their_own.runs / "late").status
    content = json.loads(status.read_text("utf-8"))
    error = "Training diverged in epoch 3: the loss is no longer a number."
    status.write_text(json.dumps(content | {"status": "failed", "error": error, "diverged": True}), "utf-8")
    assert read_run(epochs_of_their_own, "late").diverged
    app = open_page(epochs_of_their_own, "train", run="late", view="Watch")
    assert [box.value.replace("\\", "") for box in app.error] == [error]
    assert "numbers of the epochs before it diverged" in said(app) and "Still improving" not in said(app)
    assert "Resume" not in {button.label for button in app.button}


def test_the_headline_names_part_views_and_the_last_epoch(finished: Run) -> None:
    assert finished.last is not None
    last = replace(finished.last, epoch=2, validation_accuracy=None, looks=6)
    run = replace(finished, best=last, last=last)
    words = headline(run, NONE_WITHIN).small_print
    assert words.endswith("the last (no validation part), mean of 6 views of each picture; earlier epochs: one view")
    assert (
        "95\u00a0% interval 4" in headline(replace(run, best=replace(last, test_accuracy=0.5)), NONE_WITHIN).small_print
    )
    unknown = headline(replace(run, dataset=None), NONE_WITHIN)
    assert "interval" not in unknown.small_print and "n =" not in unknown.label, "how many pictures it was is not known"
    once = replace(last, looks=1)
    assert "view" not in headline(replace(run, best=once, last=once), NONE_WITHIN).small_print
    best = replace(finished.last, epoch=1, test_accuracy=0.6)
    assert (
        f"{percent(finished.last.test_accuracy)} at epoch 2, the last"
        in headline(replace(finished, best=best), WITHIN).small_print
    )
    new = headline(replace(finished, best=None, last=None), WITHIN)
    assert (new.label, new.value) == ("Accuracy · validation, n = 200", percent(0.312))


def test_pictures_that_turned_are_named(finished: Run) -> None:
    right, none = np.array([True, False, True]), np.zeros(3, bool)
    step = LearningStep(np.array([0, 0, 2]), right, np.array([True, False, False]), np.array([False, True, False]))
    assert words_on_step(step, 3, finished) == "**2 of 3 test pictures** right after epoch 2"
    turned = "1 turned right with this epoch: cat · 1 turned wrong with this epoch: a\\_b"
    assert words_on_turned(step, ["cat", "a_b", "dog"]) == turned
    still = replace(step, turned_right=none, turned_wrong=none)
    assert words_on_turned(still, ["cat", "a_b", "dog"]) == "None turned with this epoch."
    assert words_on_step(None, 1, finished) == "**1 test picture**"


def test_the_table_has_words_and_only_what_was_measured(finished: Run, shared: Workspace) -> None:
    metrics = read_metrics(shared, finished.id)
    assert set(EPOCH_COLUMNS) == set(metrics), "each field has words"
    shown = epoch_table(metrics.assign(validation_loss=np.nan, validation_accuracy=np.nan, looks=1.0))
    assert list(shown) == [
        word for name, word in EPOCH_COLUMNS.items() if not name.startswith("validation") and name != "looks"
    ]
    assert shown["Test accuracy"].tolist() == [round(100 * share, 1) for share in metrics["test_accuracy"]]
    assert "Views of each test picture" in epoch_table(metrics.assign(looks=[1.0, 6.0]))


@pytest.mark.parametrize("perfect", [False, True])
def test_things_to_look_at_are_facts_of_the_run(perfect: bool, finished: Run, shared: Workspace) -> None:
    found = load_findings(shared, finished)
    if perfect:
        counts = np.diag(found.matrix.counts.sum(axis=1))
        found = replace(
            found,
            matrix=replace(found.matrix, counts=counts),
            table=found.table.assign(correct=True),
            classes=found.classes.assign(recall=1.0),
        )
    forgotten = ForgottenPicture(3, "test/3.png", "cat", "dog", 1, 1)
    with_picture, without = (things_to_look_at(finished, found, one) for one in (forgotten, None))
    if perfect:
        assert [look.title for look in without] == ["No mistake"]
        assert without[0].address == {"outcome": "correct", "sort": "margin"}
        return
    assert [look.title for look in with_picture] == ["Most confused", "Surest mistake", "Forgotten"]
    assert with_picture[2].address == {"id": "test/3.png", "epoch": "2"}
    assert [look.title for look in without] == ["Most confused", "Surest mistake", "Weakest class"]
    mistakes = found.table[~found.table["correct"]]
    surest = mistakes.loc[mistakes["confidence"].idxmax()]
    assert f"{surest['true']} called {surest['predicted']}" in without[1].words
    assert without[2].address["true"] == found.classes.loc[found.classes["recall"].idxmin(), "class"]
