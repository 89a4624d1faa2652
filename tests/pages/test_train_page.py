"""Train: sliders and number fields say the same, one start makes one run, and the run in focus is shown as it is."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cifar_core.config import make_config
from cifar_core.data import DatasetState, catalogue, dataset_state
from cifar_core.lifecycle.queue import join
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.models import list_models
from cifar_core.runs import Estimate, QueuePlace, Run, Span, create_run, ensure_speed, list_runs, listing
from cifar_core.runs.estimate import speed
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.workspace import Workspace
from pages.ui.train import start_estimate
from tests.conftest import save_tiny
from tests.pages.support import OpenPage, said

_read_if_changed = listing._read_if_changed


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of runs whose process would have been started."""
    ids: list[str] = []
    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", lambda _, run_id: ids.append(run_id))
    return ids


def test_a_rerun_reads_the_speed_and_the_datasets_once(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form, the estimates of all presets, that of the settings and the check of the measurement share them."""
    save_tiny(workspace)
    read: list[str] = []

    def reading(path: Path, **more: Any) -> object:
        read.append(path.name)
        return read_json(path, **more)

    def asking(of: Workspace, name: str) -> DatasetState:
        read.append(name)
        return dataset_state(of, name)

    monkeypatch.setattr(start_estimate, "ensure_speed", ensure_speed)
    app = open_page(workspace, "train")
    monkeypatch.setattr(speed, "read_json", reading)
    monkeypatch.setattr(catalogue, "dataset_state", asking)
    costs = speed.Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)
    known = speed.MachineSpeed(
        speed.machine_name(), 1, 3.0, dict.fromkeys(list_models(), costs), {}, layout=speed.SPEED_LAYOUT
    )
    write_json(workspace.root / speed.SPEED_FILE, speed.as_json(known))
    app.run()
    assert "from the measured speed of this machine" in said(app)
    assert sorted(read) == ["cifar10", "drawn10", "machine.json", "tiny"]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (QueuePlace(1, 1, 0, 0, 0), "50 to 70 s, from a clock"),
        (
            QueuePlace(2, 2, 60, 54, 69, ("a_b", "c")),
            "1.5 to 2.5 min: 50 to 70 s behind a\\_b and 1 more, then 50 to 70 s, from a clock",
        ),
        (QueuePlace(2, 2, None, None, None, ("a_b",)), "50 to 70 s once it is its turn, from a clock"),
    ],
)
def test_the_wait_for_its_turn_is_part_of_an_estimate(place: QueuePlace, words: str) -> None:
    estimate = Estimate(Span(54, 60, 69), 0.0, Span(54, 60, 69), "from a clock")
    assert start_estimate.estimate_line(estimate, place) == words


def test_a_second_tab_queues_its_run_behind_a_running_one(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    first = create_run(workspace, make_config({"epochs": 2}))
    join(run_folder(workspace, first))
    app = open_page(workspace, "train", view="New run")
    assert "A run started now would wait" in said(app)
    assert app.query_params["run"] == first, "the page speaks of the run that trains"
    app.button(key="train_start").click().run()
    assert not app.exception
    assert len(started) == 1 and started != [first] and len(list_runs(workspace)) == 2


def test_the_same_nonce_twice_is_one_run(workspace: Workspace, started: list[str]) -> None:
    def script(root: str, times: int) -> None:
        from cifar_core.config import make_config  # noqa: PLC0415 - AppTest runs this source elsewhere
        from cifar_core.workspace import open_workspace  # noqa: PLC0415
        from pages.ui.train.run_buttons import start_new_run  # noqa: PLC0415

        for _ in range(times):
            start_new_run(open_workspace(root), make_config({"epochs": 2}), "one click")

    assert not AppTest.from_function(script, args=(str(workspace.root), 2), default_timeout=30).run().exception
    assert len(list_runs(workspace)) == 1


def test_the_runs_are_read_once_for_the_whole_page(
    open_page: OpenPage, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    move(RunFolder(workspace.runs / run_id), Status.STOPPED)
    app = open_page(workspace, "train", run=run_id, view="New run")
    read: list[str] = []

    def counting(folder: RunFolder) -> Run:
        read.append(folder.path.name)
        return _read_if_changed(folder)

    monkeypatch.setattr(listing, "_read_if_changed", counting)
    app.run()
    assert not app.exception
    assert read == [run_id]


def test_a_run_that_died_is_shown_with_its_last_words(open_page: OpenPage, workspace: Workspace) -> None:
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({"dataset": "tiny"}))
    folder = RunFolder(workspace.runs / run_id)
    folder.log.write_text("Traceback\nMemoryError: no more\n", "utf-8")
    move(folder, Status.FAILED, error="The machine has too little memory for these settings.")
    app = open_page(workspace, "train", run=run_id, view="Watch")
    assert ["too little memory" in error.value for error in app.error] == [True]
    assert any("MemoryError" in code.value for code in app.code)
    assert "Resume" in {button.label for button in app.button}


def test_a_watched_run_stays_in_view_when_it_ends(open_page: OpenPage, workspace: Workspace) -> None:
    run_id = create_run(workspace, make_config({"epochs": 2}))
    app = open_page(workspace, "train")
    assert app.button(key=f"train_stop_{run_id}") and app.query_params["view"] == "Watch"
    move(run_folder(workspace, run_id), Status.STOPPED)
    app.run()
    assert app.query_params["view"] == "Watch" and app.button(key=f"train_resume_{run_id}")


def test_a_run_that_cannot_be_read_is_said(open_page: OpenPage, workspace: Workspace) -> None:
    broken = Path(workspace.runs / "broken-run")
    broken.mkdir()
    (broken / "config.json").write_text("[1]", "utf-8")
    app = open_page(workspace, "train", run="broken-run", view="Watch")
    assert any("cannot be read" in error.value for error in app.error)
