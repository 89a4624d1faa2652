"""Many people at once in one real browser: clicks, uploads and downloads, a line of JSON on stdout for each.

`python -m cifar_core.bench.crowd --url=... --run=... --chromium=FILE --files=DIR --sessions=N --seconds=S --uploads=N
--downloads=N --think=S`. Times are of the system's monotonic clock, so that whoever restarts the server meanwhile can tell
what fell into that. It says `begin` when all sessions have arrived and `over` when they have done what they were at after
a line came in on stdin; they stay open until stdin is closed, so that the server can be looked at.
"""

import argparse
import asyncio
import itertools
import json
import random
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from cifar_core.bench.app import CHROMIUM_FLAGS
from cifar_core.bench.browser import SETTLED, WATCH

TITLES = {  # address -> the page's heading
    "": "Train, watch, understand",
    "runs": "Runs",
    "confusion": "Confusion",
    "misclassified": "Misclassified",
    "train": "Train",
    "data": "Data",
    "predict": "Predict",
}
CLICKED = ("", "runs", "confusion", "misclassified", "train")
CHOICES = {  # page -> what is chosen between on it
    "runs": ("accuracy", "loss"),
    "confusion": ("Counts", "Row %", "Column %"),
    "misclassified": ("Mistakes", "Correct", "All"),
}
DOWNLOADS: dict[str, str | re.Pattern[str]] = {
    "runs": "Download CSV",
    "confusion": "Matrix (CSV)",
    "misclassified": re.compile("as ZIP"),
}
IMPORT_EVERY = 10  # uploads: one is a dataset, the others are pictures to predict
_CALM = """
const calm = () => {  // thirty browsers without a graphics card on one machine would do little else than animate
  if (!document.head) return requestAnimationFrame(calm)
  const style = document.createElement("style")
  style.textContent = "*, *::before, *::after { animation: none !important; transition: none !important }"
  document.head.append(style)
}
calm()
"""
_PATIENCE = 30_000  # ms for an answer; what takes longer has failed
_DOORS = 3  # sessions that load the app for the first time together: thirty at once would only wait for the processor
_LAST_SECONDS = 60.0  # for what is under way when it is over
_LOST = 5_000  # ms without any answer: the click may be lost
_TRIES = 3
_LOOK = (
    100  # ms between looks whether it is there: looking at every frame, thirty pages would draw sixty times a second
)
_IDLE = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
_HERE = "title => { const h = document.querySelector('h1'); return h !== null && h.innerText === title }"
_DONE = f"""title => {{
  const h = document.querySelector("h1")
  return h !== null && h.innerText === title && {SETTLED}
    && [window.settledAt - window.clickedAt, window.answeredAt - window.sentAt]
}}"""


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

    options: argparse.Namespace  # of `main`
    uploads: Task
    downloads: Task
    begin: float = 0.0  # monotonic seconds
    is_over: bool = False
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def share(self) -> float:
        """How much of the time is over."""
        return (time.monotonic() - self.begin) / float(self.options.seconds)


class Visitor:
    """One session: a page in a browser context of its own."""

    def __init__(self, crowd: Crowd, number: int, page: Page) -> None:
        self._crowd, self._number, self._page = crowd, number, page
        self._rng = random.Random(number)
        self._at = ""

    async def stay(self) -> None:
        """Think, do something, think, until it is over; at least every other thing is a click."""
        may_do_task = False
        while not self._crowd.is_over:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * self._crowd.options.think)
            due = [task for task in (self._crowd.uploads, self._crowd.downloads) if task.is_due(self._crowd.share)]
            if due and may_do_task:
                await self._do_task(due[0], self._upload if due[0] is self._crowd.uploads else self._download)
            else:
                await self._try("click", self._click)
            may_do_task = not may_do_task

    async def _do_task(self, task: Task, act: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """One of a task; what failed is done again, by whoever comes next."""
        task.begun += 1
        if await self._try(task.name, act):
            task.done += 1
        else:
            task.begun -= 1

    async def _try(self, what: str, act: Callable[[], Awaitable[dict[str, Any]]]) -> bool:
        """Do something and tell how it went; after a failure the page is opened anew, as a person would."""
        begin = time.monotonic()
        told: dict[str, Any] = {"what": what, "session": self._number, "begin": begin}
        try:
            told |= await act()
        except PlaywrightError as error:
            told |= {"failed": str(error).strip().splitlines()[0][:200], "page": self._at}
        except asyncio.CancelledError:
            print(
                json.dumps(told | {"failed": "no answer until the end", "page": self._at, "end": time.monotonic()}),
                flush=True,
            )
            raise
        print(json.dumps(told | {"end": time.monotonic()}), flush=True)
        if "failed" in told:
            await self.arrive()
        return "failed" not in told

    async def arrive(self) -> None:
        """Open the app at its first page; where nobody answers, try until it is over."""
        self._at = ""
        while not self._crowd.is_over:
            try:
                await self._page.goto(f"{self._crowd.options.url}/?run={self._crowd.options.run}", wait_until="commit")
                await self._page.wait_for_function(_HERE, arg=TITLES[""], polling=_LOOK)
                return
            except PlaywrightError as error:
                if "crashed" in str(error):  # the browser's page, not the app: another one, as a person would
                    self._page = await self._page.context.new_page()
                await asyncio.sleep(1)

    async def _click(self) -> dict[str, Any]:
        """Choose something on this page, or go to another one."""
        group = [self._page.get_by_role("radio", name=name, exact=True).first for name in CHOICES.get(self._at, ())]
        there = [radio for radio in group if await radio.count()]  # a run without an epoch has nothing to choose
        free = [radio for radio in there if await radio.get_attribute("aria-checked") != "true"]
        if free and self._rng.random() < 0.5:
            return await self._press(self._rng.choice(free))
        return await self._go(self._rng.choice([path for path in CLICKED if path != self._at]))

    async def _go(self, path: str) -> dict[str, Any]:
        self._at = path
        links = self._page.get_by_test_id("stSidebarNavLink")
        return await self._press(links.and_(self._page.locator(f"[href$='/{path}'], [href*='/{path}?']")).first)

    async def _press(self, element: Locator) -> dict[str, Any]:
        """Click and wait for the answer; a click that met an element just being redrawn is repeated, as a person would.

        Returns:
            Milliseconds until the answer was drawn, and the server's part of them.
        """
        for _ in range(_TRIES):
            await element.click()
            try:
                answer = await self._page.wait_for_function(_DONE, arg=TITLES[self._at], timeout=_LOST, polling=_LOOK)
                break
            except PlaywrightTimeout:
                if await self._page.evaluate(_IDLE):
                    continue
                answer = await self._page.wait_for_function(_DONE, arg=TITLES[self._at], polling=_LOOK)
                break
        else:
            raise PlaywrightError(f"{_TRIES} clicks were lost")
        whole, servers = await answer.json_value()
        return {"page": self._at, "milliseconds": whole, "server_milliseconds": servers}

    async def _open(self, path: str, needed: Locator) -> None:
        """Be on a page of the run that has results: the one in focus may have none yet."""
        if self._at != path:
            await self._go(path)
        if not await needed.count():
            await self._page.goto(
                f"{self._crowd.options.url}/{path}?run={self._crowd.options.run}", wait_until="commit"
            )
            await needed.wait_for(state="attached")

    async def _upload(self) -> dict[str, Any]:
        number = next(self._crowd.numbers)
        return await (self._import(number) if number % IMPORT_EVERY == IMPORT_EVERY - 1 else self._predict(number))

    async def _predict(self, number: int) -> dict[str, Any]:
        """A picture to the Predict page, until the network's answer is there."""
        chooser = self._page.locator("input[type=file]").first
        await self._open("predict", chooser)
        pictures = sorted(Path(self._crowd.options.files).glob("*.png"))
        name = f"soak{number}.png"
        await chooser.set_input_files(
            {"name": name, "mimeType": "image/png", "buffer": pictures[number % len(pictures)].read_bytes()}
        )
        await self._page.get_by_text(re.compile(rf"{name}:.*predicted")).first.wait_for()
        return {"page": self._at}

    async def _import(self, number: int) -> dict[str, Any]:
        """A small dataset to the Data page, until its card is there."""
        chooser = self._page.locator("input[type=file]").first
        await self._open("data", chooser)
        name = f"soak{number}"
        await self._page.get_by_text("Import pictures you have").click()
        await self._page.get_by_label("Name", exact=True).fill(name)
        await chooser.set_input_files(
            {"name": f"{name}.zip", "mimeType": "application/zip",
             "buffer": (Path(self._crowd.options.files) / "pictures.zip").read_bytes()}
        )  # fmt: skip
        await self._page.get_by_text(f"{name}.zip").wait_for()
        await self._page.get_by_role("button", name="Import", exact=True).click()
        await self._page.locator("code").get_by_text(name, exact=True).first.wait_for()
        return {"page": self._at, "dataset": name}

    async def _download(self) -> dict[str, Any]:
        path = self._rng.choice(list(DOWNLOADS))
        opener = self._page.get_by_role("button", name="Download", exact=True).first
        button = self._page.get_by_role("button", name=DOWNLOADS[path]).first
        await self._open(path, opener if path == "confusion" else button)
        if path == "confusion":
            await opener.click()
        async with self._page.expect_download() as downloading:
            await button.click()
        download = await downloading.value
        size = (await download.path()).stat().st_size
        await download.delete()
        if path == "confusion":
            await self._page.keyboard.press("Escape")
        return {"page": path, "bytes": size}


async def _visitor(crowd: Crowd, browser: Browser, number: int) -> Visitor:
    context = await browser.new_context(viewport={"width": 1200, "height": 800}, accept_downloads=True)
    context.set_default_timeout(_PATIENCE)
    await context.add_init_script(WATCH)
    await context.add_init_script(_CALM)
    return Visitor(crowd, number, await context.new_page())


async def _enter(visitor: Visitor, doors: asyncio.Semaphore) -> None:
    async with doors:
        await visitor.arrive()


async def visit(options: argparse.Namespace) -> None:
    """All sessions from the first to the last moment."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=list(CHROMIUM_FLAGS))
        crowd = Crowd(options, Task("upload", options.uploads), Task("download", options.downloads))
        visitors = [await _visitor(crowd, browser, number) for number in range(options.sessions)]
        doors = asyncio.Semaphore(_DOORS)
        await asyncio.gather(*(_enter(visitor, doors) for visitor in visitors))
        print(json.dumps({"what": "begin"}), flush=True)
        crowd.begin = time.monotonic()
        staying = [asyncio.create_task(visitor.stay()) for visitor in visitors]
        await asyncio.to_thread(sys.stdin.readline)
        crowd.is_over = True
        _, late = await asyncio.wait(staying, timeout=_LAST_SECONDS)
        for task in late:  # what still is not answered has failed, and is told as such
            task.cancel()
        for number, ended in enumerate(await asyncio.gather(*staying, return_exceptions=True)):
            if isinstance(ended, Exception):  # a fault of this program: the session has stood still since
                now = time.monotonic()
                told = {
                    "what": "session",
                    "session": number,
                    "begin": now,
                    "end": now,
                    "page": "",
                    "failed": repr(ended),
                }
                print(json.dumps(told), flush=True)
        print(json.dumps({"what": "over"}), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await browser.close()


def main() -> int:
    """Click, until nobody listens any more."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "run", "chromium", "files"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("sessions", "uploads", "downloads"):
        parser.add_argument(f"--{name}", required=True, type=int)
    for name in ("seconds", "think"):
        parser.add_argument(f"--{name}", required=True, type=float)
    asyncio.run(visit(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
