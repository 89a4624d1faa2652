"""What a visitor of the soak does, in a browser or by the app's protocol: think, click, upload, download, report."""

import argparse
import asyncio
import itertools
import json
import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

TITLES = {  # address -> the page's heading
    "": "CIFAR-10 workbench",
    "runs": "Runs",
    "confusion": "Confusion",
    "misclassified": "Misclassified",
    "train": "Train",
    "data": "Data",
    "picture": "Picture",
}
CLICKED = ("", "runs", "confusion", "misclassified", "train")
CHOICES = {  # page -> what is chosen between on it
    "runs": ("accuracy", "loss"),
    "confusion": ("Counts", "Row %", "Column %"),
    "misclassified": ("Mistakes", "Correct", "All"),
}
DOWNLOADS = {  # page -> its download button
    "runs": re.compile("^Download CSV$"),
    "confusion": re.compile("^Matrix \\(CSV\\)$"),
    "misclassified": re.compile("^Predictions \\(CSV\\)$"),
}
IMPORT_EVERY = 10  # uploads: one is a dataset, the others are pictures to predict
Event = dict[str, Any]  # `what`, `session`, `browser`, `begin`, `end`, and what belongs to it, or `failed`


@dataclass
class Task:
    """Something that all sessions together do so many times, spread evenly over the time there is."""

    name: str
    total: int
    done: int = 0
    begun: int = 0

    def is_due(self, share: float) -> bool:
        """Whether the next one should begin when this share of the time is over."""
        return self.begun < self.total and self.begun < share * self.total


@dataclass
class Crowd:
    """What all sessions share."""

    options: argparse.Namespace  # of `crowd.main`
    uploads: Task
    downloads: Task
    begin: float = 0.0  # monotonic seconds
    is_over: bool = False
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def share(self) -> float:
        """How much of the time is over."""
        return (time.monotonic() - self.begin) / float(self.options.seconds)


def print_event(event: Event) -> None:
    """Report what happened: a line of JSON on stdout."""
    print(json.dumps(event), flush=True)


class Visitor(ABC):
    """One session of a person; a subclass knows how it reaches the app."""

    in_browser: ClassVar[bool]
    faults: ClassVar[tuple[type[Exception], ...]]  # what failed in the app, not in this program

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._number = crowd, number
        self._rng = random.Random(number)
        self._at = ""  # page

    async def stay(self) -> None:
        """Think and do something in turns until the time is over; at least every other thing is a click."""
        may_do_task = False
        while not self._crowd.is_over:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * self._crowd.options.think)
            due = [task for task in (self._crowd.uploads, self._crowd.downloads) if task.is_due(self._crowd.share)]
            if due and may_do_task:
                await self._do_task(due[0], self._upload if due[0] is self._crowd.uploads else self._fetch_file)
            else:
                await self._attempt("click", self._click)
            may_do_task = not may_do_task

    async def _do_task(self, task: Task, act: Callable[[], Awaitable[Event]]) -> None:
        """Do one of a task; what failed is done again by the next session that is free."""
        task.begun += 1
        if await self._attempt(task.name, act):
            task.done += 1
        else:
            task.begun -= 1

    async def _attempt(self, what: str, act: Callable[[], Awaitable[Event]]) -> bool:
        """Do something and report how it went; after a failure the page is opened anew, as a person would."""
        begin = time.monotonic()
        event: Event = {"what": what, "session": self._number, "browser": self.in_browser, "begin": begin}
        try:
            event |= await act()
        except self.faults as error:
            event |= {"failed": (str(error).strip().splitlines() or [repr(error)])[0][:200], "page": self._at}
        except asyncio.CancelledError:
            print_event(event | {"failed": "no answer until the end", "page": self._at, "end": time.monotonic()})
            raise
        print_event(event | {"end": time.monotonic()})
        if "failed" in event:
            await self.arrive()
        return "failed" not in event

    async def arrive(self) -> None:
        """Open the app at its first page; where nobody answers, try until it is over."""
        self._at = ""
        while not self._crowd.is_over:
            try:
                await self._load("")
                return
            except self.faults:
                await asyncio.sleep(1)

    async def _click(self) -> Event:
        """Choose something on this page, or go to another one."""
        free = await self._available(CHOICES.get(self._at, ()))
        if free and self._rng.random() < 0.5:
            return await self._choose(self._rng.choice(free))
        return await self._go(self._rng.choice([path for path in CLICKED if path != self._at]))

    async def _go(self, path: str) -> Event:
        self._at = path
        return await self._follow(path)

    async def _upload(self) -> Event:
        """A picture to predict or, now and then, a dataset."""
        number, files = next(self._crowd.numbers), Path(self._crowd.options.files)
        name = f"soak{number}"
        if number % IMPORT_EVERY == IMPORT_EVERY - 1:
            await self._import(name, (files / "pictures.zip").read_bytes())
            return {"page": self._at, "dataset": name}
        pictures = sorted(files.glob("*.png"))
        await self._predict(f"{name}.png", pictures[number % len(pictures)].read_bytes())
        return {"page": self._at}

    async def _fetch_file(self) -> Event:
        path = self._rng.choice(list(DOWNLOADS))
        return {"bytes": await self._download(path), "page": path}

    @abstractmethod
    async def _load(self, path: str) -> None:
        """Open the app at a page, with the address of the run that has results."""

    @abstractmethod
    async def _available(self, names: tuple[str, ...]) -> list[str]:
        """Which of these choices are there and not taken; a run without an epoch has nothing to choose."""

    @abstractmethod
    async def _choose(self, name: str) -> Event:
        """Click a choice and wait for the answer.

        Returns:
            The page, `milliseconds` until the answer was there whole, `server_milliseconds`, the server's part of them.
        """

    @abstractmethod
    async def _follow(self, path: str) -> Event:
        """Click a page in the sidebar and wait for it; returns as `_choose` does."""

    @abstractmethod
    async def _predict(self, name: str, picture: bytes) -> None:
        """A picture to the Picture page, until its answer is there; then it is removed, for the list has an end."""

    @abstractmethod
    async def _import(self, name: str, archive: bytes) -> None:
        """A small dataset to the Data page, until its card is there."""

    @abstractmethod
    async def _download(self, path: str) -> int:
        """The bytes of what a page's download button gives."""
