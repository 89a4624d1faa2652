"""Many sessions at once, some in real browsers: clicks, uploads and downloads, a line of JSON on stdout for each.

`python -m tests.soak.crowd --url=... --run=... --chromium=FILE --files=DIR --sessions=N --browsers=N --uploads=N
--downloads=N --seconds=S --think=S`. Times are of the system's monotonic clock: the process that restarts the server
meanwhile can tell what fell into that. The crowd says `begin` when all sessions have arrived. A line on stdin asks for
the end; it says `over` when what was under way then has ended. The sessions stay open until stdin is closed, so that
the server can be measured with them.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence

from playwright.async_api import async_playwright

from cifar_core.bench.app import CHROMIUM_FLAGS
from tests.soak.browser_visitor import browser_visitor
from tests.soak.protocol_visitor import ProtocolVisitor
from tests.soak.visitor import Crowd, Task, Visitor, print_event

COUNTS = ("sessions", "browsers", "uploads", "downloads")  # options that are whole numbers
SECONDS = ("seconds", "think")
_ARRIVALS = 3  # sessions that load the app at the same time at first: thirty would only wait for the processor
_LAST_SECONDS = 60.0  # for what is under way when the time is over


async def visit(options: argparse.Namespace) -> None:
    """All sessions from the first to the last moment."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=options.chromium, args=list(CHROMIUM_FLAGS))
        crowd = Crowd(options, Task("upload", options.uploads), Task("download", options.downloads))
        in_browsers = [await browser_visitor(crowd, browser, number) for number in range(options.browsers)]
        by_protocol = [ProtocolVisitor(crowd, number) for number in range(options.browsers, options.sessions)]
        visitors: list[Visitor] = [*in_browsers, *by_protocol]
        arrivals = asyncio.Semaphore(_ARRIVALS)
        await asyncio.gather(*(_arrive(visitor, arrivals) for visitor in visitors))
        print_event({"what": "begin"})
        await _stay(crowd, visitors)
        print_event({"what": "over"})
        await asyncio.to_thread(sys.stdin.read)
        await asyncio.gather(*(visitor.session.close() for visitor in by_protocol))
        await browser.close()


async def _arrive(visitor: Visitor, arrivals: asyncio.Semaphore) -> None:
    async with arrivals:
        await visitor.arrive()


async def _stay(crowd: Crowd, visitors: Sequence[Visitor]) -> None:
    """Until a line comes in, and what is under way then has ended."""
    crowd.begin = time.monotonic()
    staying = [asyncio.create_task(visitor.stay()) for visitor in visitors]
    await asyncio.to_thread(sys.stdin.readline)
    crowd.is_over = True
    _, late = await asyncio.wait(staying, timeout=_LAST_SECONDS)
    for task in late:  # what is not answered by now has failed, and is reported as such
        task.cancel()
    for number, ended in enumerate(await asyncio.gather(*staying, return_exceptions=True)):
        if isinstance(ended, Exception):  # a fault of this program: the session has stood still since
            now = time.monotonic()
            about = {"what": "session", "session": number, "browser": visitors[number].in_browser}
            print_event({**about, "begin": now, "end": now, "page": "", "failed": repr(ended)})


def main() -> int:
    """Run the sessions until stdin is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "run", "chromium", "files"):
        parser.add_argument(f"--{name}", required=True)
    for name in COUNTS:
        parser.add_argument(f"--{name}", required=True, type=int)
    for name in SECONDS:
        parser.add_argument(f"--{name}", required=True, type=float)
    asyncio.run(visit(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
