"""The Learning page: its sentence, its lists and its files say what the run has kept, and its states are in words."""

import shutil
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.analyse import read_kept
from cifar_core.analyse.compute.keeping import compute_and_keep
from cifar_core.analyse.learning import LEARNING, LearningParameters, learning_of
from cifar_core.errors import RunError
from cifar_core.evaluate import LearningSummary
from cifar_core.runs import Run, read_run, read_training_answers
from cifar_core.workspace import Workspace
from pages.ui.components.scatter_map import bits
from pages.ui.learning.downloads import pictures_csv
from pages.ui.learning.epochs import answers_at
from pages.ui.learning.lists import LISTS, MOST, counts_of, rows_of
from pages.ui.learning.loaded import load_learned
from pages.ui.learning.summary import learning_sentence
from tests.pages.many_points import many_points
from tests.pages.support import OpenPage, components, said, shown_grid


@pytest.fixture(scope="session")
def learned(finished: Run, shared: Workspace) -> Run:
    """The finished run with both data maps kept, so that no page starts a process."""
    for parameters in (LearningParameters("train"), LearningParameters("test")):
        compute_and_keep(shared, finished, LEARNING, parameters, lambda *_: None)
    return finished


def the_map(app: AppTest) -> dict[str, Any]:
    """What the map was given."""
    return next(data for data in components(app) if "palette" in data)


def test_the_sentence_and_the_first_tile_are_what_the_records_say(
    open_page: OpenPage, learned: Run, shared: Workspace
) -> None:
    app = open_page(shared, "learning", run=learned.id)
    answers = read_training_answers(shared, learned.id)
    right = answers.predicted == answers.labels
    forgotten = (right[:-1] & ~right[1:]).any(axis=0)
    words = said(app)
    assert f"{(~right.any(axis=0)).sum()} of {len(answers.labels):,} training pictures were never learned" in words
    assert f"{forgotten.sum()} were forgotten at least once, by epoch 2" in words
    hardest = answers.ids[answers.p_true.astype(np.float64).mean(axis=0).argmin()]
    assert shown_grid(app)["keys"][0] == hardest
    assert len(shown_grid(app)["keys"]) == 48


def test_a_list_and_a_class_in_the_address_are_shown(open_page: OpenPage, learned: Run, shared: Workspace) -> None:
    app = open_page(shared, "learning", run=learned.id, split="test", list="easiest", axes="aum", **{"class": "cat"})
    answers = shown_grid(app)
    assert answers["keys"] and all(caption.startswith("cat\n") for caption in answers["captions"])
    assert the_map(app)["axes"][0][0] == "AUM"
    assert the_map(app)["shown"] != ""
    assert app.query_params["list"] == "easiest"


def test_what_is_circled_is_what_the_grid_shows(open_page: OpenPage, learned: Run, shared: Workspace) -> None:
    app = open_page(shared, "learning", run=learned.id)
    ids = read_training_answers(shared, learned.id).ids
    assert f"training, n = {len(ids):,}" in said(app).replace("\\", "")
    app.session_state[f"learning_chosen_{learned.id}_train"] = (len(ids), np.array([3, 7]))
    app.run()
    app.segmented_control(key="learning_list").set_value("lasso").run()
    assert not app.exception
    assert sorted(shown_grid(app)["keys"]) == sorted(ids[[3, 7]])
    assert the_map(app)["selected"] == bits(np.array([3, 7]), len(ids))
    assert "Chosen 2" in str(app.segmented_control(key="learning_list").options)
    app.session_state[f"learning_chosen_{learned.id}_train"] = (len(ids) + 1, np.array([3, 7]))
    app.run()
    assert "Chosen" not in str(app.segmented_control(key="learning_list").options), "rows of another table"


def test_ticked_pictures_have_a_ring_on_the_map(open_page: OpenPage, learned: Run, shared: Workspace) -> None:
    app = open_page(shared, "learning", run=learned.id)
    app.session_state[f"learning_ticked_{learned.id}"] = {read_training_answers(shared, learned.id).ids[5]}
    app.run()
    assert the_map(app)["marked"] == [5]


def test_the_tiles_follow_the_epoch(open_page: OpenPage, learned: Run, shared: Workspace) -> None:
    app = open_page(shared, "learning", run=learned.id)
    before = shown_grid(app)["sprite"]
    app.select_slider(key="learning_epoch").set_value(1).run()
    answers, grid = read_training_answers(shared, learned.id), shown_grid(app)
    assert grid["sprite"] == before and len(before) == 32, "the pictures are in the browser already, by their digest"
    rows = [answers.ids.tolist().index(name) for name in grid["keys"]]
    right = answers.predicted[0, rows] == answers.labels[rows]
    assert grid["marks"] == ["right" if each else "wrong" for each in right]


def test_a_picture_that_the_last_epoch_left_out_has_no_answer_there(learned: Run, shared: Workspace) -> None:
    found = load_learned(shared, learned, _kept(learned, shared))
    answers = read_training_answers(shared, learned.id)
    left_out = replace(found, table=found.table.assign(last_shown=np.where(found.table.index == 5, 1, 2)))
    expected = np.where(np.arange(len(answers.labels)) == 5, -1, answers.predicted[1])
    np.testing.assert_array_equal(answers_at(shared, learned, left_out, 2), expected)
    np.testing.assert_array_equal(answers_at(shared, learned, left_out, 1), answers.predicted[0])
    gone = replace(found, facts=replace(found.facts, epochs=(1, 2, 3, 4)))
    with pytest.raises(RunError, match=r"no longer has the answers of epoch 3: compute its data map again\.$"):
        answers_at(shared, learned, gone, 3)


def test_a_training_picture_is_shown_with_its_epochs(open_page: OpenPage, learned: Run, shared: Workspace) -> None:
    answers = read_training_answers(shared, learned.id)
    app = open_page(shared, "learning", run=learned.id, image=str(answers.ids[4]))
    marks = next(data for data in components(app) if "marks" in data and "shown" in data)
    assert [mark["right"] for mark in marks["marks"]] == (answers.predicted[:, 4] == answers.labels[4]).tolist()
    assert f"Mean p(true class) **{answers.p_true[:, 4].astype(np.float64).mean():.2f}**" in said(app)


def test_a_test_picture_is_shown_in_the_drawer_of_every_page(
    open_page: OpenPage, learned: Run, shared: Workspace
) -> None:
    app = open_page(shared, "learning", run=learned.id, split="test")
    first, second = shown_grid(app)["keys"][:2]
    app.query_params["image"] = first
    app.run()
    assert "1 of 96" in said(app)
    app.button(key="learning_Next").click().run()
    assert app.query_params["image"] == second


def test_the_table_does_what_the_map_does(open_page: OpenPage, learned: Run, shared: Workspace) -> None:
    app = open_page(shared, "learning", run=learned.id, view="table")
    table = app.dataframe[0].value
    assert table["Mean p"].is_monotonic_increasing
    assert table["Picture"].tolist()[:48] == shown_grid(app)["keys"]
    assert not [data for data in components(app) if "palette" in data]


def test_a_run_without_records_says_why_and_shows_its_test_pictures(
    open_page: OpenPage, learned: Run, epochs_of_their_own: Workspace
) -> None:
    workspace = epochs_of_their_own
    for folder in ("training-records", "analyses"):
        shutil.rmtree(workspace.runs / "late" / folder)
    late = read_run(workspace, "late")
    compute_and_keep(workspace, late, LEARNING, LearningParameters("test"), lambda *_: None)
    app = open_page(workspace, "learning", run="late")
    assert "Only its test pictures can be shown" in said(app) and "test pictures were never right" in said(app)
    app.segmented_control(key="learning_split").set_value("train").run()
    assert not app.exception and not [e.value for e in app.error]
    app.button(key="learning_to_test").click().run()
    assert "test pictures were never right" in said(app)


def test_one_epoch_is_shown_by_its_margins(open_page: OpenPage, learned: Run, epochs_of_their_own: Workspace) -> None:
    workspace = epochs_of_their_own
    shutil.rmtree(workspace.runs / "short" / "analyses")
    compute_and_keep(workspace, read_run(workspace, "short"), LEARNING, LearningParameters("test"), lambda *_: None)
    app = open_page(workspace, "learning", run="short", split="test")
    assert "There is one epoch" in said(app)
    assert the_map(app)["axes"][0][0] == "AUM"


def test_without_the_dataset_the_numbers_stay(
    open_page: OpenPage, learned: Run, shared: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone = Workspace(tmp_path_factory.mktemp("alone"))
    shutil.copytree(shared.runs / learned.id, alone.runs / learned.id)
    app = open_page(alone, "learning", run=learned.id)
    assert "training pictures were never learned" in said(app)
    assert "The numbers of the run need no pictures." in said(app)
    assert len(shown_grid(app)["keys"]) == 48


def test_the_files_are_the_kept_table(learned: Run, shared: Workspace) -> None:
    whole = pd.read_csv(BytesIO(pictures_csv(shared, learned, "train", None)), keep_default_na=False, na_values=[""])
    some = pd.read_csv(BytesIO(pictures_csv(shared, learned, "train", (9, 2))), keep_default_na=False, na_values=[""])
    assert whole["id"].tolist() == read_training_answers(shared, learned.id).ids.tolist()
    assert some["id"].tolist() == whole["id"].iloc[[9, 2]].tolist()


def test_the_lists_are_in_their_order(finished: Run, shared: Workspace) -> None:
    with many_points(shared, finished) as many:
        table = learning_of(_kept(many, shared))
    wanted, chosen = (table["true"] == "cat").to_numpy(), np.array([3, 4, 13])
    found = {name: rows_of(table, name, wanted, chosen) for name in LISTS}
    cats = table[wanted]
    assert found["hardest"].tolist() == cats["confidence"].sort_values(kind="stable").index[:MOST].tolist()
    assert found["easiest"].tolist() == (-cats["confidence"]).sort_values(kind="stable").index[:MOST].tolist()
    assert found["ambiguous"].tolist() == (-cats["variability"]).sort_values(kind="stable").index[:MOST].tolist()
    assert set(found["never"]) == set(cats.index[cats["never_learned"]])
    forgotten = cats[cats["forgetting"] > 0].sort_values(["forgetting", "confidence"], ascending=[False, True])
    assert found["forgotten"].tolist() == forgotten.index.tolist()
    assert sorted(found["lasso"]) == [3, 13]
    counts = counts_of(table, wanted, chosen)
    assert counts == {"never": len(found["never"]), "forgotten": len(forgotten), "lasso": 2}


def _kept(run: Run, workspace: Workspace) -> Any:
    kept = read_kept(workspace, run, LEARNING, LearningParameters("train"))
    assert kept is not None and not kept.stale
    return kept


@pytest.mark.parametrize(
    ("never", "forgotten", "words"),
    [
        (
            312,
            1204,
            "312 of 9,000 training pictures were never learned, 1,204 were forgotten at least once, by epoch 8.",
        ),
        (1, 1, "1 of 9,000 training pictures was never learned, 1 was forgotten at least once, by epoch 8."),
        (0, 0, "Each of 9,000 training pictures was right at least once by epoch 8; none was forgotten."),
    ],
)
def test_the_sentence_counts(never: int, forgotten: int, words: str) -> None:
    summary = LearningSummary(9000, never, forgotten, 0, 0.5, 0.1, 0.5, 1.0)
    assert learning_sentence(summary, "train", 8) == words
    assert learning_sentence(summary, "test", 8) == words.replace("training", "test").replace("learned", "right")
