"""A class at work while processes are killed: clicks, uploads, downloads, trainings; then what is left of it.

It works in a folder of its own. `crowd.py` runs the sessions in another process, `disturbances.py` kills and measures,
`verdicts.py` says of each promise whether it was kept.
"""

import io
import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from cifar_core.bench.app import find_chromium, start_app, stop_app
from cifar_core.bench.sides import Say, train
from cifar_core.config import make_config
from cifar_core.data import open_dataset
from cifar_core.errors import TrainingError
from cifar_core.limits import LIMITS_FILE
from cifar_core.processes import child_environment
from cifar_core.workspace import Workspace, open_workspace
from tests.soak.crowd import COUNTS, SECONDS
from tests.soak.disturbances import Disturbances
from tests.soak.size import SoakSize
from tests.soak.verdicts import judge
from tests.soak.visitor import Event

_TICK = 0.5  # seconds between looks
_ARRIVE_SECONDS = 600.0  # for all to come
_END_SECONDS = 150.0  # for the last answers
_MAX_STRETCH = 4  # times as long as planned, where a busy machine is late
_PICTURES = 32


def measure_soak(workspace: Workspace, dataset: str, size: SoakSize, *, say: Say) -> dict[str, Any]:
    """Let a class work for `size.seconds` and see whether the promises are kept.

    Args:
        workspace: holds the dataset; it is copied, and nothing else is touched.
        dataset: its name.
        size: how much is done, and in how long.
        say: told what is under way.

    Returns:
        Figures, and `promises`: by name what was promised, whether it was `kept`, and what was `found`; or `skipped`
        with the reason where there is no browser, or the system is not Linux.
    """
    chromium = find_chromium()
    if chromium is None:
        return {"skipped": "needs Chromium: install it, or set CHROMIUM to its path"}
    if not psutil.LINUX:
        return {"skipped": "needs Linux: elsewhere not every system tells how many files a process has open"}
    with tempfile.TemporaryDirectory(prefix="cifar-soak-") as folder:
        own = open_workspace(Path(folder) / "workspace")
        shutil.copytree(workspace.data / dataset, own.data / dataset)
        (own.root / LIMITS_FILE).write_text('{"background_jobs": false}', "utf-8")  # only what the soak itself starts
        return _soak(own, dataset, size, chromium, say)


def _soak(workspace: Workspace, dataset: str, size: SoakSize, chromium: str, say: Say) -> dict[str, Any]:
    files, temp = workspace.root.parent / "files", workspace.root.parent / "temp"
    files.mkdir()
    temp.mkdir()
    _make_files(workspace, dataset, files)
    say("soak: a first run, for there to be something to look at")
    shown = train(workspace, make_config({"dataset": dataset, "epochs": 2}, preset="original")).run.id
    app = start_app(workspace, workspace.root.parent / "server.log", TMPDIR=str(temp))
    disturbances = Disturbances(workspace, size, app, workspace.root.parent / "server.log", temp, [shown])
    try:
        events, closed = _let_them_work(disturbances, chromium, files, say)
    finally:
        stop_app(disturbances.app)
    return judge(disturbances, events) | {"memory_with_sessions_closed_bytes": closed}


def _let_them_work(disturbances: Disturbances, chromium: str, files: Path, say: Say) -> tuple[list[Event], int]:
    """The sessions from their first to their last click, under disturbances.

    Returns:
        All that they reported, and the server's memory once they had closed.
    """
    size = disturbances.size
    options = {"url": disturbances.app.url, "run": disturbances.runs[0], "chromium": chromium, "files": files}
    options |= {name: getattr(size, name) for name in (*COUNTS, *SECONDS)}
    command = [
        sys.executable,
        "-P",
        "-m",
        "tests.soak.crowd",
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment())
    assert crowd.stdin is not None
    output = CrowdOutput(crowd)
    try:
        say(f"soak: {size.sessions} sessions arrive, {size.browsers} of them in Chromium")
        output.wait_for("begin", _ARRIVE_SECONDS)
        say(f"soak: {size.seconds / 60:.1f} minutes, {size.trainings} trainings")
        disturbances.train(size.trainings)
        disturbances.start_clock()
        while not disturbances.is_over() and time.monotonic() < disturbances.begin + _MAX_STRETCH * size.seconds:
            time.sleep(_TICK)
            output.take()
            disturbances.tick(_answers(output.events, disturbances.lives[-1].ready))
        print(file=crowd.stdin, flush=True)
        output.wait_for("over", _END_SECONDS)
        disturbances.end_life()
    finally:
        crowd.stdin.close()
        _wait(crowd)
    return output.events, psutil.Process(disturbances.app.process.pid).memory_info().rss


class CrowdOutput:
    """What the process of the sessions has reported so far."""

    def __init__(self, crowd: "subprocess.Popen[str]") -> None:
        self.events: list[Event] = []
        self._crowd = crowd
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def take(self) -> str:
        """Add what came since the last time to `events`; the last word that was no event.

        Raises:
            TrainingError: the crowd has ended.
        """
        word = ""
        while not self._lines.empty():
            event = json.loads(self._lines.get())
            if "session" in event:
                self.events.append(event)
            else:
                word = event["what"]
        if not word and self._crowd.poll() is not None:
            raise TrainingError("The crowd of the soak ended before its time.")
        return word

    def wait_for(self, word: str, seconds: float) -> None:
        """Take until the crowd says `word`.

        Raises:
            TrainingError: it did not, or it has ended.
        """
        deadline = time.monotonic() + seconds
        while self.take() != word:
            if time.monotonic() > deadline:
                raise TrainingError(f"The crowd of the soak did not come to '{word}' within {seconds:.0f} s.")
            time.sleep(_TICK)

    def _listen(self) -> None:
        assert self._crowd.stdout is not None
        for line in self._crowd.stdout:
            self._lines.put(line)


def _wait(crowd: "subprocess.Popen[str]") -> None:
    try:
        crowd.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        crowd.kill()
        crowd.wait()


def _answers(events: list[Event], since: float) -> dict[int, int]:
    """How often each session was answered since a moment."""
    return Counter(event["session"] for event in events if event["begin"] > since and "failed" not in event)


def _make_files(workspace: Workspace, dataset: str, folder: Path) -> None:
    """What the sessions upload: test pictures, and a dataset of two classes in a zip."""
    test = open_dataset(workspace, dataset).test
    pictures = []
    for image in test.images[:_PICTURES]:
        buffer = io.BytesIO()
        Image.fromarray(image.transpose(1, 2, 0)).save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    for number, picture in enumerate(pictures):
        (folder / f"{number:02d}.png").write_bytes(picture)
    with zipfile.ZipFile(folder / "pictures.zip", "w") as archive:
        for number, picture in enumerate(pictures):
            part, name = ("train", "test")[number % 4 == 3], ("one", "other")[number // 4 % 2]
            archive.writestr(f"{part}/{name}/{number:02d}.png", picture)
