"""One session of the app without a browser: speaks Streamlit's protocol as its frontend does, and draws nothing.

To the server it is a person's browser: script runs, fragments that look again by themselves, pictures, uploads, downloads.
What a browser would need for drawing (HTML, JavaScript, fonts) is not asked for.
"""

import asyncio
import contextlib
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin, Subprotocol

from cifar_core.bench.frontend import Frontend, ProtocolError
from cifar_core.bench.screen import Screen

PATIENCE = 30.0  # seconds for an answer; what takes longer has failed
_RETRY_SECONDS = 1.0  # between attempts to find the server again
_XSRF = "_streamlit_xsrf"  # the cookie whose text guards connections and uploads
Found = TypeVar("Found")


class WireError(Exception):
    """The server did not answer, or not as it should."""


@dataclass(frozen=True)
class Answer:
    """How long something took, in milliseconds from the message that asked for it."""

    server: float  # until the script run it caused had ended
    whole: float  # until the pictures were here too


@dataclass(frozen=True)
class _Line:
    """A connection and what was told over it."""

    socket: ClientConnection
    xsrf: str
    state: Frontend


class Session:
    """A person's session: `open`, then look at `screen`, `act`, `go`, `upload`, `download`; `close` at the end.

    It finds a server that was away again by itself, as a page does, at the page and query where it was.
    """

    def __init__(self, url: str) -> None:
        self._url, self._path = url, ""
        self._state = Frontend()  # of the last connection
        self._line: _Line | None = None  # None while there is no connection
        self._news = asyncio.Event()
        self._living: asyncio.Task[None] | None = None
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}  # fragment -> seconds, what looks again
        self._fetching: list[asyncio.Task[WireError | None]] = []
        self._fetched: set[str] = set()  # addresses in the browser's cache

    @property
    def screen(self) -> Screen:
        """What is on the page."""
        return self._state.screen

    @property
    def query(self) -> str:
        """Of the page's address, without the question mark."""
        return self._state.query

    async def open(self, path: str = "", query: str = "") -> Answer:
        """Load the app at a page, as with its address typed into a browser.

        Raises:
            WireError: it did not come.
        """
        await self.close()
        self._path, self._state = path, Frontend(query)
        begin = time.monotonic()
        self._living = asyncio.create_task(self._live())
        await self._connected()
        return await self._answer(begin)

    async def close(self) -> None:
        """Leave."""
        if self._living is not None:
            self._living.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._living
        self._living = None

    async def go(self, path: str) -> Answer:
        """Click a page in the sidebar.

        Raises:
            WireError: it did not come.
        """
        line = await self._connected()
        if path not in line.state.pages:
            raise WireError(f"there is no page '{path}'")
        self._path = path
        message = line.state.ask(page=line.state.pages[path])
        self._follow(line)  # nothing looks again on a page that is left
        return await self._run(line, message)

    async def act(self, *states: WidgetState) -> Answer:
        """Give widgets a value, all at once, and wait for what the page says to that.

        Raises:
            WireError: no answer.
        """
        line = await self._connected()
        return await self._run(line, line.state.ask(states))

    async def shows(self, look: Callable[[Screen], Found | None]) -> Found:
        """Wait until something is on the page, and return it.

        Raises:
            WireError: it did not come.
        """
        return await self._until(lambda: look(self.screen))

    def option_of(self, group: Any) -> str:
        """What is chosen in a group of buttons; "" for nothing."""
        return self._state.option_of(group)

    async def upload(self, field: Any, name: str, content: bytes, kind: str) -> WidgetState:
        """Send a file; the state of its field, for `act`, beside what a field of several files holds already.

        Args:
            field: the file uploader.
            name: of the file.
            content: its bytes.
            kind: its media type.

        Raises:
            WireError: the server did not take it.
        """
        line, message = await self._connected(), BackMsg()
        message.file_urls_request.request_id = uuid.uuid4().hex
        message.file_urls_request.session_id = line.state.session
        message.file_urls_request.file_names.append(name)
        response = await self._request(line, message, message.file_urls_request.request_id)
        urls, border = response.file_urls[0], uuid.uuid4().hex
        head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
        await self._fetch(
            urls.upload_url,
            data=head.encode() + content + f"\r\n--{border}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={border}", "X-Xsrftoken": line.xsrf,
                     "Cookie": f"{_XSRF}={line.xsrf}"},
        )  # fmt: skip
        state = WidgetState(id=field.id)
        if field.multiple_files and field.id in line.state.values:
            state.CopyFrom(line.state.values[field.id])
        state.file_uploader_state_value.uploaded_file_info.append(
            UploadedFileInfo(name=name, size=len(content), file_id=urls.file_id, file_urls=urls)
        )
        return state

    async def download(self, button: Any) -> bytes:
        """Click a download button: what a browser would save.

        Raises:
            WireError: it could not be had, not whole, or empty.
        """
        line = await self._connected()
        address = await self._made(line, button.deferred_file_id) if button.deferred_file_id else button.url
        if not button.ignore_rerun:  # the page is drawn anew while the browser fetches
            await self._send(line, line.state.ask((WidgetState(id=button.id, trigger_value=True),)))
        content = await self._fetch(address)
        if not content:
            raise WireError(f"{address} is empty")
        return content

    async def _made(self, line: _Line, file_id: str) -> str:
        """Have the server make a file that is made on a click; its address."""
        message = BackMsg()
        message.backend_operation_request.request_id = uuid.uuid4().hex
        message.backend_operation_request.session_id = line.state.session
        message.backend_operation_request.deferred_file.file_id = file_id
        response = await self._request(line, message, message.backend_operation_request.request_id)
        return str(response.deferred_file.url)

    async def _live(self) -> None:
        """Hold a connection, and find another one when it breaks, until cancelled."""
        while True:
            with contextlib.suppress(
                OSError, HTTPException, ConnectionClosed, InvalidHandshake, ProtocolError, WireError
            ):
                await self._hold()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _hold(self) -> None:
        xsrf = await asyncio.to_thread(_xsrf_of, self._url)
        async with connect(
            f"ws{self._url.removeprefix('http')}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit"), Subprotocol(xsrf)],
            origin=Origin(self._url),
            additional_headers={"Cookie": f"{_XSRF}={xsrf}"},
            max_size=None,
        ) as socket:
            self._state = Frontend(self._state.query)
            self._line = line = _Line(socket, xsrf, self._state)
            self._fetched.clear()
            self._fetching.clear()
            try:
                first = line.state.ask(page="")
                first.rerun_script.page_name = self._path
                await self._send(line, first)
                async for data in socket:
                    assert isinstance(data, bytes)
                    line.state.take(ForwardMsg.FromString(data))
                    self._follow(line)
            finally:
                self._line = None
                line.state.ticks.clear()
                self._follow(line)

    def _follow(self, line: _Line) -> None:
        """After a message: ask for what is shown now, and set the timers as it says."""
        for address in line.state.addresses:
            if address not in self._fetched:
                self._fetched.add(address)
                self._fetching.append(asyncio.create_task(self._see(address)))
        line.state.addresses.clear()
        for fragment, (seconds, timer) in list(self._timers.items()):
            if line.state.ticks.get(fragment) != seconds:
                timer.cancel()
                del self._timers[fragment]
        for fragment, seconds in line.state.ticks.items():
            if fragment not in self._timers:
                self._timers[fragment] = (seconds, asyncio.create_task(self._look_again(line, fragment, seconds)))
        self._news.set()

    async def _look_again(self, line: _Line, fragment: str, seconds: float) -> None:
        with contextlib.suppress(WireError):  # the next connection has timers of its own
            while True:
                await asyncio.sleep(seconds)
                await self._send(line, line.state.ask(fragment=fragment))

    async def _run(self, line: _Line, message: BackMsg) -> Answer:
        """Have the page's script run, and wait for its end; the page that is left may be drawn once more before."""
        before, page, begin = line.state.runs_begun, message.rerun_script.page_script_hash, time.monotonic()
        await self._send(line, message)
        await self._until(lambda: line.state.runs_done > before and line.state.shown == page, line)
        return await self._answer(begin)

    async def _answer(self, begin: float) -> Answer:
        server = 1000 * (time.monotonic() - begin)
        fetching, self._fetching = self._fetching, []
        for problem in await asyncio.gather(*fetching):
            if problem is not None:
                raise problem
        return Answer(server, 1000 * (time.monotonic() - begin))

    async def _request(self, line: _Line, message: BackMsg, request: str) -> Any:
        await self._send(line, message)
        response = await self._until(lambda: line.state.responses.pop(request, None), line)
        if response.error_msg:
            raise WireError(response.error_msg)
        return response

    async def _send(self, line: _Line, message: BackMsg) -> None:
        try:
            await line.socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise WireError("the server is gone") from error

    async def _connected(self) -> _Line:
        """The connection, once a page is on it; a person waits for the server too."""
        return await self._until(lambda: self._line if self._line is not None and self._state.runs_done else None)

    async def _until(self, look: Callable[[], Found | None], line: _Line | None = None) -> Found:
        """Wait until `look` finds something; with `line`, only as long as that connection is there."""
        deadline = time.monotonic() + PATIENCE
        while not (found := look()):
            if line is not None and line is not self._line:
                raise WireError("the server is gone")
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), deadline - time.monotonic())
            except TimeoutError as error:
                raise WireError(f"no answer within {PATIENCE:.0f} s") from error
        return found

    async def _see(self, address: str) -> WireError | None:
        """Have a picture in the browser's cache; what went wrong."""
        try:
            await self._fetch(address)
        except WireError as error:
            return error
        return None

    async def _fetch(self, address: str, *, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        """What is at an address of the server, whole."""
        request = urllib.request.Request(f"{self._url}{address}", data, headers or {}, method="PUT" if data else "GET")
        try:
            return await asyncio.to_thread(_read, request)
        except (OSError, HTTPException) as error:  # HTTPException: fewer bytes than the server said
            raise WireError(f"{address}: {error}") from error


def _read(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        content: bytes = response.read()
    return content


def _xsrf_of(url: str) -> str:
    """The token that the server gives a browser."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=PATIENCE) as response:
        cookie = response.headers.get("Set-Cookie", "")
    name, _, token = cookie.partition(";")[0].partition("=")
    if name != _XSRF:
        raise WireError("the server gave no XSRF token")
    return str(token)
