"""Many people at once, some in real browsers: clicks, uploads and downloads, a line of JSON on stdout for each.

`python -m cifar_core.bench.crowd --url=... --run=... --chromium=FILE --files=DIR --sessions=N --browsers=N --seconds=S
--uploads=N --downloads=N --think=S`. Times are of the system's monotonic clock, so that whoever restarts the server meanwhile
can tell what fell into that. It says `begin` when all sessions have arrived and `over` when they have done what they were at
after a line came in on stdin; they stay open until stdin is closed, so that the server can be looked at.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from playwright.async_api import async_playwright

from cifar_core.bench.app import CHROMIUM_FLAGS
from cifar_core.bench.in_browser import browser_visitor
from cifar_core.bench.on_wire import WireVisitor
from cifar_core.bench.visitor import Crowd, Task, Visitor, tell

_DOORS = 3  # sessions that load the app for the first time together: thirty at once would only wait for the processor
_LAST_SECONDS = 60.0  # for what is under way when it is over


async def visit(options: argparse.Namespace) -> None:
    """All sessions from the first to the last moment."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=list(CHROMIUM_FLAGS))
        crowd = Crowd(options, Task("upload", options.uploads), Task("download", options.downloads))
        in_browsers = [await browser_visitor(crowd, browser, number) for number in range(options.browsers)]
        on_wire = [WireVisitor(crowd, number) for number in range(options.browsers, options.sessions)]
        visitors: list[Visitor] = [*in_browsers, *on_wire]
        doors = asyncio.Semaphore(_DOORS)
        await asyncio.gather(*(_enter(visitor, doors) for visitor in visitors))
        tell({"what": "begin"})
        await _stay(crowd, visitors)
        tell({"what": "over"})
        await asyncio.to_thread(sys.stdin.read)
        await asyncio.gather(*(visitor.session.close() for visitor in on_wire))
        await browser.close()


async def _enter(visitor: Visitor, doors: asyncio.Semaphore) -> None:
    async with doors:
        await visitor.arrive()


async def _stay(crowd: Crowd, visitors: Sequence[Visitor]) -> None:
    """Until a line comes in, and what is under way then has ended."""
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
            tell({"what": "session", "session": number, "browser": visitors[number].in_browser, "begin": now, "end": now,
                  "page": "", "failed": repr(ended)})  # fmt: skip


def main() -> int:
    """Click, until nobody listens any more."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "run", "chromium", "files"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("sessions", "browsers", "uploads", "downloads"):
        parser.add_argument(f"--{name}", required=True, type=int)
    for name in ("seconds", "think"):
        parser.add_argument(f"--{name}", required=True, type=float)
    asyncio.run(visit(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
