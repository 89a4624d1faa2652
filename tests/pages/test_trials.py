"""Trials of sweeps on the pages: apart from the runs that a person made, and one row for a sweep that works."""

import json
import shutil

import pytest

from cifar_core.runs import list_runs, own_first, restore_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.workspace import Workspace
from pages.ui.run_focus import run_labels
from pages.ui.train import active_runs
from tests.pages.support import OpenPage, said
from tests.pages.swept import BEST, OWN, RATES, trial_id, working
from tests.sweeps.crafted_sweeps import SWEEP

TRIALS = [trial_id(number) for number in (1, 2, 3)]


def test_the_table_leaves_trials_out_until_they_are_asked_for(open_page: OpenPage, swept: Workspace) -> None:
    app = open_page(swept, "runs")
    table = app.dataframe[0].value
    assert sorted(table["name"]) == sorted(OWN) and "sweep" not in table
    assert "4 runs." in said(app) and app.toggle(key="runs_trials").label == "Trials (3)"
    app.toggle(key="runs_trials").set_value(True).run()
    assert app.query_params["trials"] == "1"
    table = app.dataframe[0].value
    assert sorted(table["name"]) == sorted([*OWN, *TRIALS])
    shown = table[table["sweep"] == SWEEP].sort_values("trial")
    assert shown["trial"].tolist() == [1, 2, 3] and shown["learning_rate"].tolist() == list(RATES)
    app.text_input(key="runs_text").set_value("sweep calm-owl").run()
    assert sorted(app.dataframe[0].value["name"]) == sorted(TRIALS)
    app.toggle(key="runs_trials").set_value(False).run()
    assert "Trials of sweeps were left out." in said(app)


def test_the_address_names_a_sweep_whose_trials_are_listed(open_page: OpenPage, swept: Workspace) -> None:
    app = open_page(swept, "runs", sweep=SWEEP)
    assert sorted(app.dataframe[0].value["name"]) == sorted(TRIALS)
    app.button(key="runs_lift_sweep").click().run()
    assert sorted(app.dataframe[0].value["name"]) == sorted(OWN) and "sweep" not in app.query_params
    app = open_page(swept, "runs", sweep="no-such-sweep")
    assert sorted(app.dataframe[0].value["name"]) == sorted(OWN)


def test_trials_alone_are_listed_without_a_switch(open_page: OpenPage, swept: Workspace) -> None:
    for name in OWN:
        shutil.rmtree(swept.runs / name)
    app = open_page(swept, "runs")
    assert sorted(app.dataframe[0].value["name"]) == sorted(TRIALS)
    assert "runs_trials" not in [toggle.key for toggle in app.toggle]
    app = open_page(swept, "home")
    assert sum(key.startswith("home_inside_") for button in app.button if (key := button.key)) == 3


def test_a_ticked_trial_says_of_which_sweep_it_is_and_that_its_values_stay(
    open_page: OpenPage, swept: Workspace
) -> None:
    best = TRIALS[BEST - 1]
    app = open_page(swept, "runs", runs=best)
    assert f"trial {BEST} of sweep calm\\-owl\\-7abcd" in said(app)
    assert "1 ticked, 1 of them among the trials of sweeps, which are not listed" in said(app)
    links = {link.proto.label: link.proto for link in app.get("page_link")}
    assert links["Its sweep"].query_string == f"sweep={SWEEP}"
    before = read_sweep(swept, SWEEP)
    app.button(key=f"runs_delete_{best}").click().run()
    assert "Its values stay in its sweep" in said(app)
    after = read_sweep(swept, SWEEP)
    assert after.trials[1].value == before.trials[1].value and after.trials[1].runs[0].deleted
    restore_run(swept, best)
    assert not read_sweep(swept, SWEEP).trials[1].runs[0].deleted
    shutil.rmtree(swept.sweeps / SWEEP)
    app = open_page(swept, "runs", runs=best)
    assert "trial 2 of sweep" in said(app) and "Its sweep" not in {link.proto.label for link in app.get("page_link")}
    app.button(key=f"runs_delete_{best}").click().run()
    assert "is in the trash" in said(app) and "values stay" not in said(app), "its sweep is gone"


def test_a_deleted_run_of_a_persons_own_says_nothing_of_sweeps(open_page: OpenPage, swept: Workspace) -> None:
    app = open_page(swept, "runs", runs="late")
    app.button(key="runs_delete_late").click().run()
    assert "is in the trash" in said(app) and "values stay" not in said(app)


def test_no_trial_takes_the_place_of_a_persons_run(open_page: OpenPage, swept: Workspace) -> None:
    """Though all trials are newer."""
    runs = list_runs(swept)
    assert {run.id for run in runs[:3]} == set(TRIALS) and {run.id for run in own_first(runs)[:4]} == set(OWN)
    app = open_page(swept, "home")
    cards = {button.key for button in app.button if button.key and button.key.startswith("home_inside_")}
    assert len(cards) == 3 and cards < {f"home_inside_{name}" for name in OWN}
    assert "All 4 runs" in [link.proto.label for link in app.get("page_link")]
    app = open_page(swept, "confusion")
    assert app.query_params["run"] in OWN
    names = app.selectbox(key="frame_run").options
    assert [SWEEP in name for name in names] == [False] * 4 + [True] * 3, "found by its sweep, below the others"
    app = open_page(swept, "compare", b="late")
    assert app.query_params["a"].partition("@")[0] in OWN


def test_a_trial_is_looked_at_like_any_run(open_page: OpenPage, swept: Workspace) -> None:
    app = open_page(swept, "confusion", run=TRIALS[0])
    assert app.query_params["run"] == TRIALS[0] and not app.error
    app = open_page(swept, "home", run=TRIALS[0])
    assert f"home_inside_{TRIALS[0]}" not in [button.key for button in app.button]
    app = open_page(swept, "train", run=TRIALS[0], view="Watch")
    assert "trial 1 of sweep calm\\-owl\\-7abcd" in said(app)


def test_labels_say_which_trial_it_is(swept: Workspace) -> None:
    labels = run_labels(list_runs(swept))
    assert labels[TRIALS[1]].startswith(f"{TRIALS[1]}, trial 2 of sweep {SWEEP} · ") and SWEEP not in labels["late"]


def train_a_trial(workspace: Workspace) -> str:
    """Let the second trial be one that trains, as its status says; returns its id."""
    run_id = TRIALS[1]
    folder = RunFolder(workspace.runs / run_id)
    status = json.loads(folder.status.read_text("utf-8"))
    folder.status.write_text(json.dumps({**status, "status": "queued"}), "utf-8")
    return run_id


def test_a_sweep_that_works_is_one_row_with_its_stop(open_page: OpenPage, swept: Workspace) -> None:
    with working(swept):
        app = open_page(swept, "home")
        words = said(app)
        assert "**Now**: 1 sweep" in words
        assert "**calm\\-owl\\-7abcd** on tiny · best 90.0\u00a0% on validation" in words
        assert app.get("progress")[0].proto.text.startswith("3 of 3 runs · ")
        links = {link.proto.label: link.proto for link in app.get("page_link")}
        assert links["Open"].query_string == f"sweep={SWEEP}"
        stop = f"home_stop_sweep_{SWEEP}"
        assert not [button.key for button in app.button if button.key and button.key.startswith("home_stop_calm")]
        app.button(key=stop).click().run()
        assert SweepFolder(swept.sweeps / SWEEP).job.cancel_file.exists()
        assert app.button(key=stop).label == "Stopping" and app.button(key=stop).disabled
    app.run()
    assert app.button(key=stop).label == "Stopped", "its row stays until the page is left"
    assert "nothing trains" in said(app)


def test_what_trials_do_does_not_redraw_a_page_while_their_sweep_works(
    swept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def snapshot() -> object:
        runs = list_runs(swept)
        sweeps = active_runs.active_sweep_ids(swept)
        return active_runs._status_snapshot(runs, sweeps)

    with working(swept):
        before = snapshot()
        train_a_trial(swept)
        assert snapshot() == before
    assert snapshot() != before, "the sweep has ended"
    before = snapshot()
    shutil.rmtree(swept.runs / TRIALS[1])
    assert snapshot() != before, "without its sweep it is a run like any other"
