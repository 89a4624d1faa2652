"""A class at work, with accidents: sessions that click, uploads, downloads, trainings, kills; then what is left of it.

Works in a folder of its own. The people are `crowd.py`, the accidents `storm.py`; this starts both, looks at what remains,
and says of each promise whether it was kept.
"""

import importlib.util
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

from PIL import Image

from cifar_core.bench.aftermath import Event, judge
from cifar_core.bench.app import find_chromium, start_app, stop_app
from cifar_core.bench.census import PROC, resident_bytes
from cifar_core.bench.plan import Plan
from cifar_core.bench.sides import Say, train
from cifar_core.bench.storm import Storm
from cifar_core.config import make_config
from cifar_core.data import open_dataset
from cifar_core.errors import TrainingError
from cifar_core.processes import child_environment
from cifar_core.workspace import Workspace, open_workspace

_TICK = 0.5  # seconds between looks
_ARRIVE_SECONDS = 600.0  # for all to come
_END_SECONDS = 150.0  # for the last answers
_PATIENCE = 4  # times as long as planned, where a busy machine is late
_PICTURES = 32


def measure_soak(workspace: Workspace, dataset: str, plan: Plan, *, say: Say) -> dict[str, Any]:
    """Let a class work for `plan.seconds` and see whether the promises are kept.

    Args:
        workspace: holds the dataset; it is copied, and nothing else is touched.
        dataset: its name.
        plan: how much.
        say: told what is under way.

    Returns:
        Figures, and `promises`: by name what was promised, whether it was `kept`, and what was `found`; or `skipped`
        with the reason where there is no browser, or no /proc to look for processes in.
    """
    chromium = find_chromium()
    if importlib.util.find_spec("playwright") is None or chromium is None:
        return {"skipped": "needs Chromium and the development requirements (make test installs them)"}
    if not PROC.joinpath("self", "fd").is_dir():
        return {"skipped": "needs Linux: what processes hold is read from /proc"}
    with tempfile.TemporaryDirectory(prefix="cifar-soak-") as folder:
        own = open_workspace(Path(folder) / "workspace")
        shutil.copytree(workspace.data / dataset, own.data / dataset)
        return _soak(own, dataset, plan, chromium, say)


def _soak(workspace: Workspace, dataset: str, plan: Plan, chromium: str, say: Say) -> dict[str, Any]:
    files, temp = workspace.root.parent / "files", workspace.root.parent / "temp"
    files.mkdir()
    temp.mkdir()
    _make_files(workspace, dataset, files)
    say("soak: a first run, for there to be something to look at")
    shown = train(workspace, make_config({"dataset": dataset, "epochs": 2}, preset="original")).run.id
    app = start_app(workspace, workspace.root.parent / "server.log", TMPDIR=str(temp))
    storm = Storm(workspace, plan, app, workspace.root.parent / "server.log", temp, [shown])
    try:
        events, closed = _let_them_work(storm, chromium, files, say)
    finally:
        stop_app(storm.app)
    return judge(storm, events) | {"memory_with_sessions_closed_bytes": closed}


def _let_them_work(storm: Storm, chromium: str, files: Path, say: Say) -> tuple[list[Event], int]:
    """The crowd from its first to its last click, in the storm; all it told, and the server's memory once it had gone."""
    plan = storm.plan
    command = [sys.executable, "-P", "-m", "cifar_core.bench.crowd", f"--url={storm.app.url}", f"--run={storm.runs[0]}",
               f"--chromium={chromium}", f"--files={files}", f"--sessions={plan.sessions}", f"--browsers={plan.browsers}",
               f"--uploads={plan.uploads}", f"--downloads={plan.downloads}", f"--seconds={plan.seconds}", f"--think={plan.think}"]  # fmt: skip
    crowd = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=child_environment())
    assert crowd.stdin is not None
    told = Told(crowd)
    try:
        say(f"soak: {plan.sessions} sessions arrive, {plan.browsers} of them in Chromium")
        told.wait_for("begin", _ARRIVE_SECONDS)
        say(f"soak: {plan.seconds / 60:.1f} minutes, {plan.trainings} trainings")
        storm.train(plan.trainings)
        storm.open()
        while not storm.is_over() and time.monotonic() < storm.begin + _PATIENCE * plan.seconds:
            time.sleep(_TICK)
            told.take()
            storm.tick(_visits(told.events, storm.lives[-1].ready))
        print(file=crowd.stdin, flush=True)
        told.wait_for("over", _END_SECONDS)
        storm.end_life()
    finally:
        crowd.stdin.close()
        _wait(crowd)
    return told.events, resident_bytes(storm.app.process.pid)


class Told:
    """What the crowd has told so far."""

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


def _visits(events: list[Event], since: float) -> dict[int, int]:
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
