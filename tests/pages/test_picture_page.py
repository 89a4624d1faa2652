"""One picture: in the drawer over a grid and on the Picture page, which also lets a test picture be chosen."""

import os
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.evaluate import SCORES, explain_forgetting
from cifar_core.runs import PictureHistory, Run, read_history, read_predictions, read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples import prediction_table
from cifar_core.text import percent
from cifar_core.workspace import Workspace
from tests.pages.support import OpenPage, components, said, shown_scores


def tiles(app: AppTest) -> list[str]:
    """The ids in the grid."""
    return next((data["keys"] for data in components(app) if "keys" in data), [])


def marks(app: AppTest) -> dict[str, Any]:
    """What the row of epochs was given."""
    return next((data for data in components(app) if "marks" in data and "shown" in data), {})


def links(app: AppTest) -> list[str]:
    """The labels of the links with their parameters."""
    return [f"{link.proto.label} {link.proto.query_string}" for link in app.get("page_link")]


def unescaped(app: AppTest) -> str:
    return said(app).replace("\\", "")


def learned(history: PictureHistory, label: int) -> dict[str, str]:
    """How the picture was learned, in numbers, by their titles; of logits that have these probabilities."""
    p_true = history.probs[:, label].astype(float)
    other = np.delete(history.probs, label, axis=1).max(axis=1).astype(float)
    return {
        "Mean p(true class)": f"{p_true.mean():.2f}",
        "Variability": f"{p_true.std():.2f}",
        "Correctness": percent((history.probs.argmax(axis=1) == label).mean()),
        "AUM": f"{np.mean(np.log(p_true) - np.log(other)):.2f}".replace("-", "−"),
    }


@pytest.mark.parametrize("page", ["misclassified", "picture"])
def test_both_places_show_the_same(open_page: OpenPage, epochs_of_their_own: Workspace, page: str) -> None:
    """Verdict, scores, bars, epochs and other runs, with the numbers of the sample table."""
    run = read_run(epochs_of_their_own, "late")
    table = prediction_table(read_predictions(epochs_of_their_own, "late"))
    row = table[~table["correct"]].iloc[0]
    address = {"id" if page == "picture" else "image": row["id"]}
    app = open_page(epochs_of_their_own, page, run="late", **address)
    confidence = SCORES["confidence"].text(row["confidence"])
    assert f"true {row['true']} → predicted {row['predicted']} {confidence}" in unescaped(app)
    history = read_history(epochs_of_their_own, run, int(row["index"]))
    scores = {score.title: score.text(row[score.name]) for score in SCORES.values()}
    assert shown_scores(app) == scores | learned(history, row["true_index"])
    (bars,) = [data["bars"] for data in components(app) if "bars" in data]
    assert (row["predicted"], "predicted", confidence) in [(bar["name"], bar["marks"], bar["text"]) for bar in bars]
    assert row["id"] in [code.value for code in app.code]
    right = history.probs.argmax(axis=1) == row["true_index"]
    assert explain_forgetting(right, history.epochs) in said(app)
    shown = marks(app)
    assert shown["shown"] == 2 and [mark["right"] for mark in shown["marks"]] == right.tolist()
    assert [mark["best"] for mark in shown["marks"]] == [False, True]
    # `unjudged` reports the second epoch too; `early` and `short` report the first.
    assert f"Right in {3 * right[0] - right[0] + right[1]} of 3 other runs" in said(app)
    others = [link for link in links(app) if any(f"run={name}" in link for name in ("early", "short", "unjudged"))]
    assert len(others) == 3 and sum(f"{row['predicted']} {confidence} ·" in link for link in others) >= 1


def test_epochs_are_played_and_the_numbers_follow(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    first = prediction_table(read_predictions(epochs_of_their_own, "late", 1)).iloc[7]
    app = open_page(epochs_of_their_own, "picture", run="late", id=first["id"])
    assert app.button(key="picture_epoch_Later").disabled
    app.button(key="picture_epoch_Earlier").click().run()
    assert not app.exception and not app.error
    assert app.query_params["epoch"] == "1" and marks(app)["shown"] == 1
    assert shown_scores(app)["Loss"] == SCORES["loss"].text(first["loss"])
    assert "epoch 1 of 2" in said(app)
    app.button(key="picture_Next").click().run()
    assert "8 of 100" not in said(app) and "9 of 100" in said(app)
    app.button(key="picture_choose").click().run()
    assert len(tiles(app)) == 48 and "id" not in app.query_params
    app = open_page(epochs_of_their_own, "picture", run="short", id=first["id"])
    assert not marks(app), "a run with one epoch has no row of one mark"
    assert "Over the epochs" not in said(app)


def test_the_drawer_begins_each_picture_at_the_epoch_of_the_grid(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    table = prediction_table(read_predictions(epochs_of_their_own, "late"))
    worst = table[~table["correct"]].sort_values("loss", ascending=False)["id"].tolist()
    app = open_page(epochs_of_their_own, "misclassified", run="late", image=worst[0])
    assert app.button(key="misclassified_Previous").disabled
    app.button(key="misclassified_played_epoch_Earlier").click().run()
    assert marks(app)["shown"] == 1
    app.button(key="misclassified_pick").click().run()
    assert app.session_state["selected_late"] == {worst[0]}
    app.button(key="misclassified_Next").click().run()
    assert marks(app)["shown"] == 2 and worst[1] in [code.value for code in app.code]
    assert app.query_params["image"] == worst[1]
    assert app.button(key="misclassified_pick").label == "Select"
    assert any("Open as a page" in link and "outcome=mistakes" in link for link in links(app))
    app.button(key="misclassified_played_epoch_Earlier").click().run()
    app.switch_page("pages/runs.py").run()  # a link or a step back leaves the drawer without closing it
    app.switch_page("pages/misclassified.py")
    app.query_params["run"], app.query_params["image"] = "late", worst[2]
    app.run()
    assert marks(app)["shown"] == 2
    app.sidebar.button(key="frame_glossary").click().run()  # as the page is loading, before the drawer lies over it
    assert not app.exception and [dialog.proto.dialog.title for dialog in app.get("dialog")] == ["Glossary"]
    app.run()
    assert [dialog.proto.dialog.title for dialog in app.get("dialog")] == ["Picture"]


@pytest.mark.fault(19)
def test_damaged_predictions_are_a_sentence(open_page: OpenPage, epochs_of_their_own: Workspace) -> None:
    os.truncate(RunFolder(epochs_of_their_own.runs / "late").probs("test", 1), 60)
    os.truncate(RunFolder(epochs_of_their_own.runs / "early").probs("test", 1), 60)
    wanted = str(read_predictions(epochs_of_their_own, "late").ids[3])
    app = open_page(epochs_of_their_own, "picture", run="late", id=wanted)
    assert "The predictions of epoch 1 are missing or damaged" in said(app)
    assert "of 2 other runs" in said(app) and "1 run with damaged predictions left out" in said(app)
    app = open_page(epochs_of_their_own, "picture", run="late", id=wanted, epoch="1")
    assert len(app.error) == 1 and "choose another epoch" in app.error[0].value.replace("\\", "")
    app.button(key="picture_best_epoch").click().run()
    assert not app.error and "epoch" not in app.query_params


def test_a_test_picture_is_chosen_by_thumbnail_number_or_id(
    open_page: OpenPage, finished: Run, shared: Workspace
) -> None:
    predictions = read_predictions(shared, finished.id)
    ids = [str(name) for name in predictions.ids]
    app = open_page(shared, "picture", run=finished.id, id="no-such", find="17")
    assert "There is no picture no-such" in unescaped(app)
    assert tiles(app)[0] == ids[17] and all("17" in name for name in tiles(app)[1:])
    app.text_input(key="picture_find").set_value("nothing like it").run()
    assert "No picture matches" in said(app) and "nothing like it" in said(app)
    app.text_input(key="picture_find").set_value("").run()
    assert tiles(app) == ids[:48], "in the order of the dataset"
    app.segmented_control(key="picture_outcome").set_value("mistakes").run()
    wrong = [name for name, right in zip(ids, predictions.predicted == predictions.labels, strict=True) if not right]
    assert tiles(app) == wrong[:48] and app.query_params["outcome"] == "mistakes"
    app.segmented_control(key="picture_source").set_value("own").run()
    app.segmented_control(key="picture_source").set_value("test").run()
    assert tiles(app) == wrong[:48], "switching loses nothing"
    app.query_params["id"] = wrong[1]
    app.run()
    assert f"2 of {len(wrong)}" in said(app)
    app.button(key="picture_Previous").click().run()
    assert app.query_params["id"] == wrong[0] and app.button(key="picture_Previous").disabled
    place = int((predictions.predicted == predictions.labels).argmax())
    app.query_params["id"] = ids[place]
    app.run()
    assert "outside the filters" in said(app)
    app.button(key="picture_Next").click().run()
    assert app.query_params["id"] == next(name for name in ids[place:] if name in wrong), "the nearest one is next"
