"""The sessions of a soak that have no browser: to the server they are browsers, and get what a page offers them."""

import asyncio
import io
import re
import shutil
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.bench.app import serve, start_app, stop_app
from cifar_core.data import class_counts, open_dataset
from cifar_core.evaluate import confusion_matrix, most_confused
from cifar_core.export import table_csv
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import Run, read_predictions
from cifar_core.workspace import Workspace, open_workspace
from tests.runs.conftest import finished, shared
from tests.runs.exported_runs import store
from tests.soak.frontend import chosen
from tests.soak.protocol_client import Session, SessionError
from tests.soak.screen import Screen
from tests.soak.visitor import TITLES

__all__ = ["finished", "shared"]

pytestmark = pytest.mark.slow

Act = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def own(shared: Workspace, finished: Run, tmp_path: Path) -> Workspace:
    """A workspace of the test's own with a trained run in it."""
    shutil.copytree(shared.root, tmp_path / "own")
    (tmp_path / "own" / LIMITS_FILE).write_text('{"background_jobs": false}', "utf-8")
    return open_workspace(tmp_path / "own")


def labelled(kind: str, label: str) -> Callable[[Screen], Any]:
    """What finds a widget by its label."""
    return lambda screen: screen.find(kind, lambda widget: re.search(label, widget.label) is not None)


def lists_two_runs(screen: Screen) -> bool:
    """Whether the table of Runs has two rows."""
    return any(text.startswith("2 runs") for text in screen.texts)


def png() -> bytes:
    """A picture of a person's own."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: in this one the browser tests' Playwright may keep a loop that always runs."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def with_sessions(workspace: Workspace, log: Path, act: Act, count: int = 1) -> None:
    """Let sessions act on a server."""

    async def main(url: str) -> None:
        sessions = [Session(url) for _ in range(count)]
        try:
            await act(*sessions)
        finally:
            for session in sessions:
                await session.close()

    with serve(workspace, log) as app:
        run_apart(main(app.url))


def test_it_clicks_uploads_and_downloads(own: Workspace, finished: Run, tmp_path: Path) -> None:
    async def act(session: Session) -> None:
        await session.open("", f"run={finished.id}")
        for path, title in TITLES.items():
            answer = await session.go(path)
            assert session.screen.title == title and 0 < answer.server <= answer.whole
        await session.go("misclassified")
        group = labelled("button_group", "^Show$")(session.screen)
        assert session.option_of(group) == "Mistakes"
        await session.act(chosen(group, "All"))
        assert session.option_of(labelled("button_group", "^Show$")(session.screen)) == "All"
        assert (
            any("**100** of 100 pictures match" in text for text in session.screen.texts)
            and "outcome=all" in session.query
        )

        await session.open("predict", f"run={finished.id}")
        field = labelled("file_uploader", "^Pictures$")(session.screen)
        await session.act(await session.upload(field, "mine.png", png(), "image/png"))
        assert any(text == "mine\\.png · uploaded" for text in session.screen.texts)

        await session.go("data")
        button = labelled("download_button", "CSV")(session.screen)
        assert await session.download(button) == table_csv(class_counts(open_dataset(own, "tiny")))
        await session.go("confusion")
        made = await session.download(labelled("download_button", "Pairs")(session.screen))
        found = read_predictions(own, finished.id)
        pairs = most_confused(confusion_matrix(found))
        told = pairs.drop(columns=["true_index", "predicted_index"])
        assert made == table_csv(told.assign(epoch=found.epoch))
        with pytest.raises(SessionError, match="no page"):
            await session.go("nowhere")

    with_sessions(own, tmp_path / "log", act)


def test_its_page_follows_the_disk_without_a_click(own: Workspace, tmp_path: Path) -> None:
    async def act(session: Session) -> None:
        await session.open("runs")
        assert not lists_two_runs(session.screen)
        store(own)
        await session.shows(lists_two_runs)

    with_sessions(own, tmp_path / "log", act)


def test_what_a_page_offered_can_be_had_after_others_were_drawn(own: Workspace, tmp_path: Path) -> None:
    """A browser may ask late, and for what its page showed before it was drawn anew; others click meanwhile."""

    async def act(session: Session, other: Session) -> None:
        await other.open()
        await session.open("runs")
        connection = await session._connected()
        table = labelled("download_button", "CSV")(session.screen)
        rows = await session._make_file(connection, table.deferred_file_id)
        store(own)  # the page's tick draws another table
        await session.shows(lists_two_runs)
        await session.go("confusion")
        matrix = labelled("download_button", "Matrix")(session.screen)
        address = await session._make_file(connection, matrix.deferred_file_id)
        await session.go("misclassified")
        for path in ("runs", "data", "runs", "data"):
            await other.go(path)
        assert await session._fetch(rows) and await session._fetch(address)
        assert await session.download(matrix)

    with_sessions(own, tmp_path / "log", act, count=2)


def test_it_finds_a_server_that_was_killed_again(own: Workspace, finished: Run, tmp_path: Path) -> None:
    async def act(url: str) -> None:
        nonlocal app
        session = Session(url)
        await session.open("confusion", f"run={finished.id}")
        first = session._state.session
        await asyncio.to_thread(app.process.kill)
        await asyncio.to_thread(app.process.wait)
        app = await asyncio.to_thread(start_app, own, tmp_path / "log", port=int(url.rpartition(":")[2]))
        await session.shows(lambda screen: session._state.session not in ("", first))
        await session.shows(lambda screen: screen.title == "Confusion" and session._state.runs_done)
        assert finished.id in session.query
        await session.go("runs")
        await session.close()

    app = start_app(own, tmp_path / "log")
    try:
        run_apart(act(app.url))
    finally:
        stop_app(app)
