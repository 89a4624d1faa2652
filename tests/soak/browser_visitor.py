"""A visitor of the soak in a Chromium page."""

from playwright.async_api import Browser, Locator, Page
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout

from cifar_core.bench.browser import SETTLED, WATCH
from tests.soak.visitor import DOWNLOADS, TITLES, Crowd, Event, Visitor

_NO_ANIMATION = """
const calm = () => {  // several browsers without a graphics card on one machine would do little else than animate
  if (!document.head) return requestAnimationFrame(calm)
  const style = document.createElement("style")
  style.textContent = "*, *::before, *::after { animation: none !important; transition: none !important }"
  document.head.append(style)
}
calm()
"""
_ANSWER_MILLISECONDS = 30_000  # for an answer; what takes longer has failed
_LOST_MILLISECONDS = 5_000  # without any answer: the click may be lost
_TRIES = 3
# Between looks whether the answer is there: with a look at every frame, pages would draw sixty times a second.
_POLL_MILLISECONDS = 100
_IDLE = "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
_HERE = "title => { const h = document.querySelector('h1'); return h !== null && h.innerText === title }"
_DONE = f"""title => {{
  const h = document.querySelector("h1")
  return h !== null && h.innerText === title && {SETTLED}
    && [window.settledAt - window.clickedAt, window.answeredAt - window.sentAt]
}}"""
_STATE = """() => [
  document.querySelector("h1")?.innerText, document.querySelector("[data-testid=stApp]")?.dataset.testScriptState,
  document.querySelector("[data-testid=stApp]")?.dataset.testConnectionState,
  ...["settledAt", "answeredAt", "clickedAt"].map(
    name => name + " " + Math.round(performance.now() - window[name]) + " ms ago"),
].join("; ")"""


class BrowserVisitor(Visitor):
    """A page in a browser context of its own."""

    in_browser = True
    faults = (PlaywrightError,)

    def __init__(self, crowd: Crowd, number: int, page: Page) -> None:
        super().__init__(crowd, number)
        self._page = page

    async def _load(self, path: str) -> None:
        try:
            await self._page.goto(
                f"{self._crowd.options.url}/{path}?run={self._crowd.options.run}", wait_until="commit"
            )
            await self._page.wait_for_function(_HERE, arg=TITLES[path], polling=_POLL_MILLISECONDS)
        except PlaywrightError as error:
            if "crashed" in str(error):  # the browser's page, not the app: another one, as a person would
                self._page = await self._page.context.new_page()
            raise

    async def _available(self, names: tuple[str, ...]) -> list[str]:
        radios = {name: self._radio(name) for name in names}
        there = [name for name, radio in radios.items() if await radio.count()]
        return [name for name in there if await radios[name].get_attribute("aria-checked") != "true"]

    async def _choose(self, name: str) -> Event:
        return await self._press(self._radio(name))

    async def _follow(self, path: str) -> Event:
        links = self._page.get_by_test_id("stSidebarNavLink")
        return await self._press(links.and_(self._page.locator(f"[href$='/{path}'], [href*='/{path}?']")).first)

    def _radio(self, name: str) -> Locator:
        return self._page.get_by_role("radio", name=name, exact=True).first

    async def _press(self, element: Locator) -> Event:
        """Click and wait for the answer; a click that met an element just being redrawn is repeated, as by a person."""
        for _ in range(_TRIES):
            await element.click()
            try:
                answer = await self._page.wait_for_function(
                    _DONE, arg=TITLES[self._at], timeout=_LOST_MILLISECONDS, polling=_POLL_MILLISECONDS
                )
                break
            except PlaywrightTimeout:
                if await self._page.evaluate(_IDLE):
                    continue
                answer = await self._page.wait_for_function(_DONE, arg=TITLES[self._at], polling=_POLL_MILLISECONDS)
                break
        else:
            raise PlaywrightError(f"{_TRIES} clicks were lost ({await self._page.evaluate(_STATE)})")
        whole, servers = await answer.json_value()
        return {"page": self._at, "milliseconds": whole, "server_milliseconds": servers}

    async def _be_at(self, path: str, needed: Locator) -> None:
        """Be on a page of the run that has results: the one in focus may have none yet."""
        if self._at != path:
            await self._go(path)
        if not await needed.count():
            await self._load(path)
            await needed.wait_for(state="attached")

    async def _predict(self, name: str, picture: bytes) -> None:
        own = self._radio("Your own pictures")
        await self._be_at("picture", own)
        if await own.get_attribute("aria-checked") != "true":
            await own.click()
        chooser = self._page.locator("input[type=file]").first
        await chooser.set_input_files({"name": name, "mimeType": "image/png", "buffer": picture})
        await self._page.get_by_text(f"{name} · uploaded").first.wait_for()
        await self._page.get_by_role("button", name="Remove all").click()
        await self._page.get_by_text(f"{name} · uploaded").first.wait_for(state="detached")

    async def _import(self, name: str, archive: bytes) -> None:
        chooser = self._page.locator("input[type=file]").first
        await self._be_at("data", chooser)
        await self._page.get_by_text("Import pictures you have").click()
        await self._page.get_by_label("Name", exact=True).fill(name)
        await chooser.set_input_files({"name": f"{name}.zip", "mimeType": "application/zip", "buffer": archive})
        await self._page.get_by_text(f"{name}.zip").wait_for()
        await self._page.get_by_role("button", name="Look inside", exact=True).click()
        await self._page.locator(f".st-key-data_take_{name}").get_by_role("button").click()
        await self._page.locator("code").get_by_text(name, exact=True).first.wait_for()

    async def _download(self, path: str) -> int:
        button = self._page.get_by_role("button", name=DOWNLOADS[path]).first
        await self._be_at(path, button)
        async with self._page.expect_download() as downloading:
            await button.click()
        download = await downloading.value
        size = (await download.path()).stat().st_size
        await download.delete()
        return size


async def browser_visitor(crowd: Crowd, browser: Browser, number: int) -> BrowserVisitor:
    """A visitor with an empty page."""
    context = await browser.new_context(viewport={"width": 1200, "height": 800}, accept_downloads=True)
    context.set_default_timeout(_ANSWER_MILLISECONDS)
    await context.add_init_script(WATCH)
    await context.add_init_script(_NO_ANIMATION)
    return BrowserVisitor(crowd, number, await context.new_page())
