"""The life of a run on the pages: the queue, its buttons, notices, retry and duplicate, limits."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle.queue import join, leave
from cifar_core.lifecycle.status import expect_worker, move, write_progress
from cifar_core.runs import EndRequest, Run, Status, TrainingProgress, create_run, delete_run, list_runs, read_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from pages.ui.server.upload_quota import QuotaUploadManager
from pages.ui.train.active_runs import refresh_interval
from pages.ui.train.run_buttons import END_BUTTONS, end_label
from tests.pages.support import OpenPage, primaries, said
from tests.runs.conftest import ended_run

ENDS = (Status.FINISHED, Status.STOPPED, Status.FAILED, Status.INTERRUPTED)
LEFT = 240.0  # seconds that the training run still needs
Begin = Callable[[Workspace], str]


@pytest.fixture
def train() -> Iterator[Begin]:
    """Makes a run that trains, as far as anybody can see: this process holds its lock."""
    with ExitStack() as held:

        def begin(workspace: Workspace) -> str:
            run_id = create_run(workspace, make_config({"epochs": 4}))
            folder = run_folder(workspace, run_id)
            held.enter_context(hold_lock(folder.lock))
            expect_worker(folder, here=True)
            move(folder, Status.RUNNING)
            write_progress(folder, TrainingProgress("training", 2, 4, 10, 100, 900.0, LEFT, 80.0))
            return run_id

        yield begin


def wait(workspace: Workspace, person: str = "") -> str:
    """Makes a run that waits in the queue; its worker is just being started."""
    run_id = create_run(workspace, make_config({"epochs": 4}), person=person)
    join(run_folder(workspace, run_id))
    return run_id


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of runs whose process would have been started; they wait in the queue."""
    ids: list[str] = []

    def start(workspace: Workspace, run_id: str) -> None:
        ids.append(run_id)
        join(run_folder(workspace, run_id))

    monkeypatch.setattr("pages.ui.train.run_buttons.start_run", start)
    return ids


def shown(run_id: str) -> str:
    """A run's id as Markdown that shows it."""
    return run_id.replace("-", "\\-")


@pytest.mark.parametrize(
    ("status", "ending", "labels", "enabled"),
    [
        (Status.RUNNING, None, ["Pause", "Stop"], [True, True]),
        (Status.QUEUED, None, ["Pause", "Stop"], [True, True]),
        (Status.RUNNING, EndRequest.PAUSE, ["Pausing", "Stop"], [False, True]),
        (Status.RUNNING, EndRequest.STOP, ["Pause", "Stopping"], [False, False]),
        (Status.PAUSED, None, ["Paused", "Stop"], [False, False]),
        *((end, None, ["Pause", end.capitalize()], [False, False]) for end in Status if end in ENDS),
    ],
)
def test_the_buttons_that_end_a_run_say_what_was_asked_and_how_it_ended(
    status: Status, ending: EndRequest | None, labels: list[str], enabled: list[bool]
) -> None:
    run = Run("x", "x", "", status, make_config(), "", ending=ending)
    assert [end_label(button, run) for button in END_BUTTONS] == list(zip(labels, enabled, strict=True))


@pytest.mark.fault(21)
def test_the_queue_is_shown_in_order_and_a_waiting_run_is_stopped(
    open_page: OpenPage, workspace: Workspace, train: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)  # what kills a run that does not obey
    running, first, second = train(workspace), wait(workspace), wait(workspace)
    app = open_page(workspace, "runs")
    words = said(app)
    assert "1 training, 2 waiting" in words
    assert f"behind {shown(running)}; starts in 2 to 6 min" in words
    assert f"behind {shown(running)} and 1 more" in words
    keys = [button.key for button in app.button if button.key]
    order = [key for key in keys if key.startswith("runs_stop_") and key != "runs_stop_all"]
    assert order == [f"runs_stop_{run_id}" for run_id in (running, first, second)]
    assert "waiting, 2nd of 2" in set(app.dataframe[0].value["status"])
    app.button(key=f"runs_stop_{first}").click().run()
    assert not app.exception
    assert read_run(workspace, first).status is Status.STOPPED
    words = said(app)
    assert f"behind {shown(running)}; starts in 2 to 6 min" in words and "and 1 more" not in words
    assert app.button(key=f"runs_stop_{first}").label == "Stopped", "its row stays until the page is left"
    app.button(key="runs_stop_all").click().run()
    assert not app.exception and not app.toast
    asked = [app.button(key=f"runs_stop_{name}") for name in ("all", running, second)]
    assert [(button.label, button.disabled) for button in asked] == [
        ("Stopping", True),
        ("Stopping", True),
        ("Stopped", True),
    ]
    move(run_folder(workspace, running), Status.STOPPED)
    assert app.run().button(key="runs_stop_all").label == "Stopped" and "nothing trains" in said(app)


def test_stop_is_stopping_on_every_page_and_its_place_stays_its_own(
    open_page: OpenPage, workspace: Workspace, train: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)  # what kills a run that does not obey
    run_id = train(workspace)
    other, app = open_page(workspace, "runs"), open_page(workspace, "train", run=run_id, view="Watch")
    app.button(key=f"train_stop_{run_id}").click().run()
    other.button(
        key=f"runs_stop_{run_id}"
    ).click().run()  # as the second click of a double click, drawn before the first
    assert not app.exception and not app.toast and not other.toast
    assert read_run(workspace, run_id).ending is EndRequest.STOP
    for screen, page in ((app, "train"), (other.run(), "runs")):
        stop = screen.button(key=f"{page}_stop_{run_id}")
        assert (stop.label, stop.disabled) == ("Stopping", True)
        assert screen.button(key=f"{page}_pause_{run_id}").disabled
    assert list(other.dataframe[0].value["status"]) == ["stopping"]
    move(run_folder(workspace, run_id), Status.STOPPED)
    for screen, page in ((app.run(), "train"), (other.run(), "runs")):
        keys = [button.key for button in screen.button]
        assert screen.button(key=f"{page}_stop_{run_id}").label == "Stopped"
        assert screen.button(key=f"{page}_stop_{run_id}").disabled
        assert not any("resume" in str(key) for key in keys[: keys.index(f"{page}_stop_{run_id}") + 1])
    assert "goes on at epoch 1" in said(app) and "from the start, same settings" in said(app)
    assert [bar.proto.text for bar in app.get("progress")] == ["stopped in epoch 2 of 4 · 28 % done"]
    fresh = open_page(workspace, "train", run=run_id, view="Watch")
    assert not {"Stop", "Stopped", "Pause"} & {button.label for button in fresh.button}


def test_a_waiting_run_is_watched_in_its_place(open_page: OpenPage, workspace: Workspace, train: Begin) -> None:
    running = train(workspace)
    waiting = wait(workspace)
    app = open_page(workspace, "train", run=waiting, view="Watch")
    assert [bar.proto.text for bar in app.get("progress")] == [
        f":material/hourglass_top: Waits behind {shown(running)}; starts in 2 to 6 min. "
        "It is the 1st of 1 in the queue, and starts by itself when its turn comes."
    ]
    labels = {button.label for button in app.button}
    assert labels >= {"Pause", "Stop", "Duplicate"} and not labels & {"Resume", "Retry"}
    app.button(key=f"train_pause_{waiting}").click().run()
    assert not app.exception
    assert read_run(workspace, waiting).status is Status.PAUSED
    assert "Resume" in {button.label for button in app.button}


def test_start_says_the_place_in_the_queue_and_home_shows_who_trains_and_waits(
    open_page: OpenPage, workspace: Workspace, train: Begin, started: list[str]
) -> None:
    behind = f"behind {shown(train(workspace))}; starts in 2 to 6 min"
    app = open_page(workspace, "train", view="New run")
    assert f"A run started now would wait {behind}" in said(app)
    app.button(key="train_start").click().run()
    assert not app.exception
    assert any(behind in bar.proto.text for bar in app.get("progress"))
    (workspace.runs / "broken-run").mkdir()
    home = open_page(workspace, "home")
    assert "1 training, 1 waiting" in said(home)
    assert behind in said(home), "a folder that cannot be read hides no run"


@pytest.mark.fault(94)
@pytest.mark.parametrize("has_ticket", [True, False], ids=["still in line", "passed over"])
def test_a_waiting_run_that_does_not_respond_is_said_to_wait_not_to_train(
    open_page: OpenPage, workspace: Workspace, train: Begin, monkeypatch: pytest.MonkeyPatch, has_ticket: bool
) -> None:
    running = train(workspace)
    frozen, second = wait(workspace), wait(workspace)
    folder, ago = run_folder(workspace, frozen), time.monotonic() - 40
    monkeypatch.setattr(
        "cifar_core.lifecycle.heartbeat._last_beat", lambda beating, _now: ago if beating == folder else None
    )
    with hold_lock(folder.lock):
        write_json(folder.status, read_json(folder.status) | {"beat": ago, "taken": True})
        if not has_ticket:
            leave(folder)
        app = open_page(workspace, "runs")
        words = said(app)
        assert "1 training, 2 waiting" in words
        assert "not responding" in words and "others pass it in the queue" in words
        assert f"behind {shown(running)}; starts in 2 to 6 min" in words, second
        assert {"not responding", "waiting, 1st of 1"} <= set(app.dataframe[0].value["status"])
        watched = said(open_page(workspace, "train", run=frozen, view="Watch"))
        assert "Stop ends it within half a minute" in watched and "checkpoint" not in watched


@pytest.mark.fault(37)
def test_a_run_that_does_not_respond_is_said_and_can_be_stopped(
    open_page: OpenPage, workspace: Workspace, train: Begin
) -> None:
    run_id = train(workspace)
    status = run_folder(workspace, run_id).status
    write_json(status, {**read_json(status), "beat": time.monotonic() - 3600})
    for page in ("train", "runs"):
        app = open_page(workspace, page, run=run_id)
        assert ["Not responding since" in warning.value for warning in app.warning] == [True]
        assert app.button(key=f"{page}_stop_{run_id}")


@pytest.mark.fault(13, 38)
@pytest.mark.parametrize(
    ("end", "error"),
    [
        (Status.STOPPED, "Time limit: its 5 seconds are over; resume it to go on for as long again."),
        (Status.FAILED, "The checkpoint needs 3.0 MB, but the disk has 1.0 MB free: make room, then resume."),
    ],
)
def test_why_a_run_ended_is_said(open_page: OpenPage, workspace: Workspace, end: Status, error: str) -> None:
    run_id = create_run(workspace, make_config())
    move(run_folder(workspace, run_id), Status.RUNNING)
    move(run_folder(workspace, run_id), end, error=error)
    app = open_page(workspace, "train", run=run_id, view="Watch")
    shown = [item.value.replace("\\", "") for item in (app.error if end is Status.FAILED else app.warning)]
    assert shown == [error]
    assert {"Resume", "Retry"} <= {button.label for button in app.button}


@pytest.mark.fault(8, 34)
def test_an_older_checkpoint_and_other_circumstances_are_said(
    open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    facts = run_folder(epochs_of_their_own, "early").facts
    notices = [
        "Not bit-exact: from epoch 2 on it was computed with 2 threads instead of 1.",
        "Checkpoint 0001-0000000 is damaged: the one before it was used.",
        "third",
        "fourth <b>",
    ]
    write_json(facts, {**json.loads(facts.read_text("utf-8")), "exact": False, "warnings": notices})
    app = open_page(epochs_of_their_own, "train", run="early", view="Watch")
    assert [warning.value.replace("\\", "") for warning in app.warning] == notices[:3]
    assert notices[3] in [code.value for code in app.code]


def test_a_limit_refuses_a_start_with_its_sentence(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    (workspace.root / "settings.json").write_text('{"runs_per_person": 1}', "utf-8")
    waiting = wait(workspace, "")  # without a login everybody is one person
    app = open_page(workspace, "train", view="New run")
    app.button(key="train_start").click().run()
    assert not app.exception
    assert ["one person may have 1 here" in error.value for error in app.error] == [True]
    assert [run.id for run in list_runs(workspace)] == [waiting] and not started


@pytest.mark.parametrize("page", ["train", "runs"])
def test_retry_makes_one_new_run(page: str, open_page: OpenPage, workspace: Workspace, started: list[str]) -> None:
    old = ended_run(workspace, Status.FAILED, make_config({"epochs": 3, "seed": 7}))
    app = open_page(workspace, page, run=old, runs=old, view="Watch")
    app.button(key=f"{page}_retry_{old}_0").click().run()
    assert not app.exception
    (new,) = [run for run in list_runs(workspace) if run.id != old]
    assert (started, new.parent, new.config.machine.seed) == ([new.id], old, 7)
    keys = {button.key for button in app.button}
    assert f"{page}_retry_{old}_0" not in keys, "the second click of a double click finds nothing"
    assert app.query_params["run"] == (new.id if page == "train" else old)
    app.run().query_params["run"] = old
    assert app.run().button(key=f"{page}_retry_{old}_1").disabled, "while the new run is under way"


def test_a_run_that_diverged_is_tried_again_at_a_lower_rate_and_not_resumed(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    old = create_run(workspace, make_config({"epochs": 3, "learning_rate": 0.001}))
    move(run_folder(workspace, old), Status.RUNNING)
    move(run_folder(workspace, old), Status.FAILED, error="Training diverged in epoch 2.", diverged=True)
    app = open_page(workspace, "train", run=old, view="Watch")
    assert primaries(app) == ["Try again with learning rate 0.0003"]
    assert not {"Resume", "Retry"} & {button.label for button in app.button}
    app.button(key=f"train_retry_{old}_0").click().run()
    (new,) = started
    assert read_run(workspace, new).config.optimizer.learning_rate == 0.0003
    assert (read_run(workspace, new).parent, app.query_params["run"]) == (old, new)


@pytest.mark.parametrize("page", ["train", "runs"])
def test_duplicate_opens_the_settings_and_the_new_run_says_where_they_come_from(
    page: str, open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    old = ended_run(workspace, Status.FINISHED, make_config({"epochs": 3, "batch_size": 32}))
    app = open_page(workspace, page, run=old, runs=old, view="Watch")
    app.button(key=f"{page}_duplicate_{old}").click().run()
    assert not app.exception
    assert app.title[0].value == "Train" and app.session_state["train_view"] == "New run"
    assert app.number_input(key="train_set_batch_size").value == 32
    assert app.selectbox(key="train_base_parent").value == old
    app.switch_page("pages/train.py").run()  # AppTest alone forgets that the page was switched
    app.number_input(key="train_set_epochs").set_value(5).run()
    app.button(key="train_start").click().run()
    new = read_run(workspace, started[0])
    assert (new.parent, new.config.optimizer.epochs, new.config.optimizer.batch_size) == (old, 5, 32)
    assert read_run(workspace, old).config.optimizer.epochs == 3


def test_a_preset_after_a_duplicate_is_made_from_no_run(
    open_page: OpenPage, workspace: Workspace, started: list[str]
) -> None:
    old = ended_run(workspace, Status.FINISHED, make_config({"batch_size": 32}))
    app = open_page(workspace, "train", run=old)
    app.selectbox(key="train_base_parent").select(old).run()
    app.get_by_key("train_base_preset").set_value("quick").run()
    assert app.selectbox(key="train_base_parent").value is None
    app.button(key="train_start").click().run()
    assert read_run(workspace, started[0]).parent == ""


@pytest.mark.fault(18, 19)
@pytest.mark.parametrize("page", ["train", "runs", "home", "confusion"])
def test_a_run_deleted_elsewhere_is_said_to_be_gone(
    page: str, open_page: OpenPage, epochs_of_their_own: Workspace
) -> None:
    app = open_page(epochs_of_their_own, page, run="early")
    delete_run(epochs_of_their_own, "early")
    app.run()
    assert not app.exception and not app.error
    assert ["no longer exists" in warning.value for warning in app.warning] == [True]
    assert app.query_params["run"] in ("late", "short", "unjudged")


def test_a_run_removed_by_hand_leaves_an_empty_workspace_that_works(open_page: OpenPage, workspace: Workspace) -> None:
    run_id = ended_run(workspace, Status.STOPPED)
    app = open_page(workspace, "train", run=run_id, view="Watch")
    Path(workspace.runs / run_id).rename(workspace.root / "elsewhere")
    app.run()
    assert not app.exception and not app.error
    assert f"Run {run_id}".replace("-", "\\-") + " no longer exists" in said(app)
    assert app.button(key="train_start")


@pytest.mark.parametrize(("sessions", "seconds"), [(0, 1.0), (6, 1.0), (12, 2.0), (30, 3.0)])
def test_a_full_server_looks_less_often(monkeypatch: pytest.MonkeyPatch, sessions: int, seconds: float) -> None:
    """It stays within the 5 seconds in which a dead process must be shown."""
    monkeypatch.setattr(QuotaUploadManager, "quotas", {str(number): 0 for number in range(sessions)})
    assert refresh_interval() == seconds
