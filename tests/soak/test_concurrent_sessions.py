"""What several visitors do in the same second, one does three hundred times, and a killed server leaves."""

import asyncio
import io
import itertools
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from streamlit.proto.WidgetStates_pb2 import WidgetState

from cifar_core.bench.app import App, start_app, stop_app
from cifar_core.data import list_datasets
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import Run, list_runs, list_trash, read_run, verify_run
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.text import MB
from cifar_core.workspace import Workspace, open_workspace
from tests.runs.conftest import finished, shared, tiny
from tests.runs.exported_runs import packed_run
from tests.soak.frontend import chosen
from tests.soak.protocol_client import Session, SessionError
from tests.soak.screen import Screen, body_of, kind_of
from tests.soak.test_protocol_client import labelled, png, run_apart

__all__ = ["finished", "shared", "tiny"]

pytestmark = pytest.mark.slow

PATIENCE = 60.0  # seconds
ROUNDS = 4
HOUR = 3700.0


@pytest.fixture
def own(shared: Workspace, finished: Run, tmp_path: Path) -> Workspace:
    """A workspace of the test's own with a trained run in it."""
    shutil.copytree(shared.root, tmp_path / "own")
    (tmp_path / "own" / LIMITS_FILE).write_text('{"background_jobs": false}', "utf-8")
    return open_workspace(tmp_path / "own")


async def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def with_server(workspace: Workspace, log: Path, act: Callable[[App], Coroutine[Any, Any, App]]) -> None:
    """Let sessions act on a server, which they may replace; its log tells of no fault."""
    app = start_app(workspace, log)

    async def main() -> None:
        nonlocal app
        app = await act(app)

    try:
        run_apart(main())
    finally:
        stop_app(app)
    assert "Traceback" not in log.read_text("utf-8")


def tile_clicks() -> Iterator[Callable[[Screen], WidgetState]]:
    """Without end: which pictures are shown, in which order, and page by page."""

    def show(name: str) -> Callable[[Screen], WidgetState]:
        return lambda screen: chosen(labelled("button_group", "^Show$")(screen), name)

    def sort(title: str) -> Callable[[Screen], WidgetState]:
        return lambda screen: chosen(labelled("button_group", "^Sort by$")(screen), title)

    def page(number: int) -> Callable[[Screen], WidgetState]:
        return lambda screen: WidgetState(id=screen.all("pagination")[0].id, int_value=number)

    return itertools.cycle(
        [
            show("All"),
            page(2),
            sort("Closest calls"),
            page(3),
            show("Correct"),
            sort("Most undecided"),
            show("Mistakes"),
            sort("Top losses"),
        ]
    )


def test_three_hundred_quick_reruns_cost_nothing_that_stays(own: Workspace, finished: Run, tmp_path: Path) -> None:
    """Over one connection, answered one by one, then sent in one go: the last one is what the page shows."""

    async def act(app: App) -> App:
        session, server = Session(app.url), psutil.Process(app.process.pid)
        await session.open("misclassified", f"run={finished.id}")
        clicks = tile_clicks()
        for click in itertools.islice(clicks, 40):  # every kind a few times, which loads what it needs
            await session.act(click(session.screen))
        memory, files = server.memory_info().rss, server.num_fds()
        for click in itertools.islice(clicks, 260):
            await session.act(click(session.screen))
        show = labelled("button_group", "^Show$")
        connection = await session._connected()
        for name in itertools.islice(itertools.cycle(("All", "Mistakes", "Correct")), 299):
            await session._send(connection, connection.state.rerun_message((chosen(show(session.screen), name),)))
        await session.act(chosen(show(session.screen), "Correct"))
        assert session.option_of(show(session.screen)) == "Correct"
        assert "outcome=correct" in session.query
        assert server.memory_info().rss - memory < 40 * MB
        assert server.num_fds() - files <= 2
        await session.close()
        return app

    with_server(own, tmp_path / "log", act)


def press(session: Session, key: str) -> WidgetState:
    button = session.screen.find("button", lambda button: key in button.id)
    assert button is not None, key
    return WidgetState(id=button.id, trigger_value=True)


async def both(one: Session, other: Session, key: str, other_key: str = "") -> None:
    """Two people press in the same moment what both see."""
    await asyncio.gather(one.act(press(one, key)), other.act(press(other, other_key or key)))


async def select(session: Session, row: int) -> None:
    """Open the Runs page and select a row of its table."""
    await session.open("runs")
    elements = (node.element for node in session.screen._nodes.values() if node.element is not None)
    table = next(body_of(element) for element in elements if kind_of(element) == "dataframe" and body_of(element).id)
    selection = {"selection": {"rows": [row], "columns": [], "cells": []}}
    await session.act(WidgetState(id=table.id, string_value=json.dumps(selection)))


async def start_both(sessions: tuple[Session, Session], workspace: Workspace) -> list[str]:
    """Each makes a run of its own, which does not end by itself; their ids."""
    before = {run.id for run in list_runs(workspace)}
    for session in sessions:
        await session.open("train", "view=New+run")
        box = labelled("selectbox", "^Dataset")(session.screen)
        await session.act(WidgetState(id=box.id, string_value=next(name for name in box.options if "tiny" in name)))
        epochs = session.screen.find("number_input", lambda item: "train_set_epochs" in item.id)
        assert epochs is not None
        await session.act(WidgetState(id=epochs.id, double_value=500.0))
    await both(*sessions, "train_start")
    made = [run for run in list_runs(workspace) if run.id not in before]
    assert [run.config.optimizer.epochs for run in made] == [500, 500]
    return [run.id for run in made]


async def ask_both(sessions: tuple[Session, Session], verb: str, run_id: str) -> None:
    for session in sessions:
        await session.open("train", f"run={run_id}&view=Watch")
    await both(*sessions, f"train_{verb}_{run_id}")


async def stop_everything(sessions: tuple[Session, Session], workspace: Workspace) -> None:
    for session in sessions:
        await session.open("runs")
    if sessions[0].screen.find("button", lambda button: "runs_stop_all" in button.id) is not None:
        await both(*sessions, "runs_stop_all")
    elif any(run.active for run in list_runs(workspace)):
        await both(*sessions, "runs_stop_")
    await until(lambda: not any(run.active for run in list_runs(workspace)))


async def on_the_table(
    sessions: tuple[Session, Session], workspace: Workspace, run_id: str, keys: tuple[str, str]
) -> None:
    """Both select a run and press; afterwards it is in one place."""
    row = [run.id for run in list_runs(workspace)].index(run_id)
    for session in sessions:
        await select(session, row)
    await both(*sessions, f"{keys[0]}_{run_id}", f"{keys[1]}_{run_id}")
    assert [item.id for item in (*list_runs(workspace), *list_trash(workspace))].count(run_id) == 1


@pytest.mark.fault(20, 36, 96)
def test_two_visitors_press_in_the_same_second(
    tiny: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run for each start; of the same request twice one wins, and the other is told."""
    told: list[str] = []
    draw = Screen.draw

    def listen(screen: Screen, message: Any) -> Any:
        element = draw(screen, message)
        if element is not None and kind_of(element) == "toast":
            told.append(str(element.toast.body))
        return element

    monkeypatch.setattr(Screen, "draw", listen)

    async def act(app: App) -> App:
        sessions = Session(app.url), Session(app.url)
        for _ in range(ROUNDS):
            first, second = await start_both(sessions, tiny)
            await ask_both(sessions, "stop", first)
            await until(lambda run_id=first: not read_run(tiny, run_id).active)
            told.clear()
            await ask_both(sessions, "resume", first)
            assert any("behind " in words or "starting" in words for words in told), told
            await stop_everything(sessions, tiny)
            await on_the_table(sessions, tiny, first, ("runs_delete", "runs_delete"))
            await on_the_table(sessions, tiny, second, ("runs_delete", "runs_resume"))
            await stop_everything(sessions, tiny)
        for session in sessions:
            await session.close()
        return app

    with_server(tiny, tmp_path / "log", act)
    assert not any(run.problem for run in list_runs(tiny))
    assert len(list_runs(tiny)) + len(list_trash(tiny)) == 2 * ROUNDS


def many_pictures() -> bytes:
    """A dataset as an archive, large enough for a kill to find it on its way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(400):
            archive.writestr(
                f"{'test' if number % 4 == 0 else 'train'}/{'cat' if number % 3 else 'dog'}/{number}.png", png()
            )
        large = io.BytesIO()
        Image.frombytes("RGB", (1670, 1670), os.urandom(3 * 1670 * 1670)).save(large, "BMP")
        archive.writestr("train/cat/large.bmp", large.getvalue())
    return buffer.getvalue()


async def import_data(session: Session, number: int) -> None:
    await session.open("data")
    name = labelled("text_input", "^Name$")(session.screen)
    file = await session.upload(
        labelled("file_uploader", "archive")(session.screen), "mine.zip", many_pictures(), "application/zip"
    )
    await session.act(WidgetState(id=name.id, string_value=f"mine{number}"), file, press(session, "data_import_start"))
    await session.shows(lambda screen: screen.find("button", lambda button: f"data_take_mine{number}" in button.id))
    await session.act(press(session, f"data_take_mine{number}"))


async def import_run(session: Session, run_zip: bytes) -> None:
    await session.open("runs")
    file = await session.upload(labelled("file_uploader", "run")(session.screen), "run.zip", run_zip, "application/zip")
    await session.act(file, press(session, "runs_import_start"))


async def predict(session: Session) -> None:
    await session.open("predict")
    await session.act(
        await session.upload(labelled("file_uploader", "^Pictures$")(session.screen), "mine.png", png(), "image/png")
    )


async def download(session: Session) -> None:
    await session.open("misclassified")
    await session.act(press(session, "misclassified_all that match"))
    await session.download(labelled("download_button", "^Download ZIP$")(session.screen))


async def save(session: Session) -> None:
    await session.open("misclassified")
    await session.act(press(session, "misclassified_all that match"))
    await session.act(press(session, "misclassified_save"))


async def export(session: Session) -> None:
    await select(session, 0)
    await session.download(labelled("download_button", "^Export")(session.screen))


@pytest.mark.fault(25, 60)
def test_a_server_killed_in_the_middle_leaves_nothing_half(own: Workspace, tmp_path: Path) -> None:
    """While something comes in or is packed: all or nothing of it is there, and what was begun goes within an hour."""
    away = open_workspace(tmp_path / "away")
    run_zip, known = packed_run(away).read_bytes(), {run.id for run in list_runs(own)}

    async def act(app: App) -> App:
        session, port = Session(app.url), int(app.url.rpartition(":")[2])
        doings: list[Callable[[int], Coroutine[Any, Any, None]]] = [
            lambda number: import_data(session, number),
            lambda _: import_run(session, run_zip),
            lambda _: predict(session),
            lambda _: download(session),
            lambda _: save(session),
            lambda _: export(session),
        ]
        for number, doing in enumerate(doings * 2):
            begun = asyncio.create_task(doing(number))
            await asyncio.wait([begun], timeout=0.35 + 0.1 * number)
            await asyncio.to_thread(app.process.kill)
            await asyncio.to_thread(app.process.wait)
            begun.cancel()
            with suppress(SessionError, asyncio.CancelledError):
                await begun
            app = await asyncio.to_thread(start_app, own, tmp_path / "log", port=port)
            await session.shows(lambda screen: session._state.runs_done and screen.title)  # the page finds it again
        await until(lambda: not any(state.state == "preparing" for state in list_datasets(own)))
        await session.close()
        return app

    with_server(own, tmp_path / "log", act)
    assert {state.state for state in list_datasets(own)} <= {"ready", "found", "absent"}
    assert all(verify_run(own, run.id) == [] for run in list_runs(own))
    assert len({run.id for run in list_runs(own)} - known) <= 1  # the run_zip's, whole, once
    for left in own.root.rglob(f"{TEMP_MARK}*"):
        os.utime(left, (time.time() - HOUR,) * 2, follow_symlinks=False)
    open_workspace(own.root)
    assert list(own.root.rglob(f"{TEMP_MARK}*")) == []
