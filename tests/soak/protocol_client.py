"""One session of the app without a browser: speaks Streamlit's protocol as its frontend does, and draws nothing.

To the server it is a person's browser: script runs, fragments that rerun by themselves, pictures, uploads, downloads.
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

from tests.soak.frontend import Frontend, ProtocolError
from tests.soak.screen import Screen

ANSWER_SECONDS = 30.0  # seconds for an answer; what takes longer has failed
_RETRY_SECONDS = 1.0  # between attempts to find the server again
_XSRF = "_streamlit_xsrf"  # the cookie whose text guards connections and uploads
Found = TypeVar("Found")


class SessionError(Exception):
    """The server did not answer, or not as it should."""


@dataclass(frozen=True)
class Answer:
    """How long something took, in milliseconds from the message that asked for it."""

    server: float  # until the script run it caused had ended
    whole: float  # until the pictures were here too


@dataclass(frozen=True)
class _Connection:
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
        self._connection: _Connection | None = None  # None while there is no connection
        self._changed = asyncio.Event()
        self._connecting: asyncio.Task[None] | None = None
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}  # fragment -> seconds, what looks again
        self._fetching: list[asyncio.Task[SessionError | None]] = []
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
            SessionError: it did not come.
        """
        await self.close()
        self._path, self._state = path, Frontend(query)
        begin = time.monotonic()
        self._connecting = asyncio.create_task(self._stay_connected())
        await self._connected()
        return await self._answer(begin)

    async def close(self) -> None:
        """Leave."""
        if self._connecting is not None:
            self._connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._connecting
        self._connecting = None

    async def go(self, path: str) -> Answer:
        """Click a page in the sidebar.

        Raises:
            SessionError: it did not come.
        """
        connection = await self._connected()
        if path not in connection.state.pages:
            raise SessionError(f"there is no page '{path}'")
        self._path = path
        message = connection.state.rerun_message(page=connection.state.pages[path])
        self._follow_state(connection)  # nothing looks again on a page that is left
        return await self._run(connection, message)

    async def act(self, *states: WidgetState) -> Answer:
        """Give widgets a value, all at once, and wait for what the page says to that.

        Raises:
            SessionError: no answer.
        """
        connection = await self._connected()
        return await self._run(connection, connection.state.rerun_message(states))

    async def shows(self, look: Callable[[Screen], Found | None]) -> Found:
        """Wait until something is on the page, and return it.

        Raises:
            SessionError: it did not come.
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
            SessionError: the server did not receive it.
        """
        connection, message = await self._connected(), BackMsg()
        message.file_urls_request.request_id = uuid.uuid4().hex
        message.file_urls_request.session_id = connection.state.session
        message.file_urls_request.file_names.append(name)
        response = await self._request(connection, message, message.file_urls_request.request_id)
        urls, border = response.file_urls[0], uuid.uuid4().hex
        part = f'Content-Disposition: form-data; name="{name}"; filename="{name}"\r\nContent-Type: {kind}'
        head = f"--{border}\r\n{part}\r\n\r\n"
        await self._fetch(
            urls.upload_url,
            data=head.encode() + content + f"\r\n--{border}--\r\n".encode(),
            headers={
                "Content-Type": f"multipart/form-data; boundary={border}",
                "X-Xsrftoken": connection.xsrf,
                "Cookie": f"{_XSRF}={connection.xsrf}",
            },
        )
        state = WidgetState(id=field.id)
        if field.multiple_files and field.id in connection.state.values:
            state.CopyFrom(connection.state.values[field.id])
        state.file_uploader_state_value.uploaded_file_info.append(
            UploadedFileInfo(name=name, size=len(content), file_id=urls.file_id, file_urls=urls)
        )
        return state

    async def download(self, button: Any) -> bytes:
        """Click a download button: what a browser would save.

        Raises:
            SessionError: it could not be had, not whole, or empty.
        """
        connection = await self._connected()
        address = await self._make_file(connection, button.deferred_file_id) if button.deferred_file_id else button.url
        if not button.ignore_rerun:  # the page is drawn anew while the browser fetches
            await self._send(
                connection, connection.state.rerun_message((WidgetState(id=button.id, trigger_value=True),))
            )
        content = await self._fetch(address)
        if not content:
            raise SessionError(f"{address} is empty")
        return content

    async def _make_file(self, connection: _Connection, file_id: str) -> str:
        """Have the server make a file that is made on a click; its address."""
        message = BackMsg()
        message.backend_operation_request.request_id = uuid.uuid4().hex
        message.backend_operation_request.session_id = connection.state.session
        message.backend_operation_request.deferred_file.file_id = file_id
        response = await self._request(connection, message, message.backend_operation_request.request_id)
        return str(response.deferred_file.url)

    async def _stay_connected(self) -> None:
        """Hold a connection, and find another one when it breaks, until cancelled."""
        while True:
            with contextlib.suppress(
                OSError, HTTPException, ConnectionClosed, InvalidHandshake, ProtocolError, SessionError
            ):
                await self._connect_once()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _connect_once(self) -> None:
        xsrf = await asyncio.to_thread(_xsrf_of, self._url)
        async with connect(
            f"ws{self._url.removeprefix('http')}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit"), Subprotocol(xsrf)],
            origin=Origin(self._url),
            additional_headers={"Cookie": f"{_XSRF}={xsrf}"},
            max_size=None,
        ) as socket:
            self._state = Frontend(self._state.query)
            self._connection = connection = _Connection(socket, xsrf, self._state)
            self._fetched.clear()
            self._fetching.clear()
            try:
                first = connection.state.rerun_message(page="")
                first.rerun_script.page_name = self._path
                await self._send(connection, first)
                async for data in socket:
                    assert isinstance(data, bytes)
                    connection.state.receive(ForwardMsg.FromString(data))
                    self._follow_state(connection)
            finally:
                self._connection = None
                connection.state.ticks.clear()
                self._follow_state(connection)

    def _follow_state(self, connection: _Connection) -> None:
        """After a message: ask for the pictures that are shown now, and set the timers as it says."""
        for address in connection.state.addresses:
            if address not in self._fetched:
                self._fetched.add(address)
                self._fetching.append(asyncio.create_task(self._load_picture(address)))
        connection.state.addresses.clear()
        for fragment, (seconds, timer) in list(self._timers.items()):
            if connection.state.ticks.get(fragment) != seconds:
                timer.cancel()
                del self._timers[fragment]
        for fragment, seconds in connection.state.ticks.items():
            if fragment not in self._timers:
                self._timers[fragment] = (
                    seconds,
                    asyncio.create_task(self._rerun_every(connection, fragment, seconds)),
                )
        self._changed.set()

    async def _rerun_every(self, connection: _Connection, fragment: str, seconds: float) -> None:
        with contextlib.suppress(SessionError):  # the next connection has timers of its own
            while True:
                await asyncio.sleep(seconds)
                await self._send(connection, connection.state.rerun_message(fragment=fragment))

    async def _run(self, connection: _Connection, message: BackMsg) -> Answer:
        """Have the page's script run, and wait for its end; the page that is left may be drawn once more before."""
        before, page, begin = connection.state.runs_begun, message.rerun_script.page_script_hash, time.monotonic()
        await self._send(connection, message)
        await self._until(lambda: connection.state.runs_done > before and connection.state.shown == page, connection)
        return await self._answer(begin)

    async def _answer(self, begin: float) -> Answer:
        server = 1000 * (time.monotonic() - begin)
        fetching, self._fetching = self._fetching, []
        for problem in await asyncio.gather(*fetching):
            if problem is not None:
                raise problem
        return Answer(server, 1000 * (time.monotonic() - begin))

    async def _request(self, connection: _Connection, message: BackMsg, request: str) -> Any:
        await self._send(connection, message)
        response = await self._until(lambda: connection.state.responses.pop(request, None), connection)
        if response.error_msg:
            raise SessionError(response.error_msg)
        return response

    async def _send(self, connection: _Connection, message: BackMsg) -> None:
        try:
            await connection.socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise SessionError("the server is gone") from error

    async def _connected(self) -> _Connection:
        """The connection, once a page is on it; a person waits for the server too."""
        return await self._until(
            lambda: self._connection if self._connection is not None and self._state.runs_done else None
        )

    async def _until(self, look: Callable[[], Found | None], connection: _Connection | None = None) -> Found:
        """Wait until `look` finds something; with `connection`, only as long as that connection is there."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not (found := look()):
            if connection is not None and connection is not self._connection:
                raise SessionError("the server is gone")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
            except TimeoutError as error:
                raise SessionError(f"no answer within {ANSWER_SECONDS:.0f} s") from error
        return found

    async def _load_picture(self, address: str) -> SessionError | None:
        """Have a picture in the browser's cache; what went wrong."""
        try:
            await self._fetch(address)
        except SessionError as error:
            return error
        return None

    async def _fetch(self, address: str, *, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        """What is at an address of the server, whole."""
        request = urllib.request.Request(f"{self._url}{address}", data, headers or {}, method="PUT" if data else "GET")
        try:
            return await asyncio.to_thread(_read, request)
        except (OSError, HTTPException) as error:  # HTTPException: fewer bytes than the server said
            raise SessionError(f"{address}: {error}") from error


def _read(request: urllib.request.Request) -> bytes:
    with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
        content: bytes = response.read()
    return content


def _xsrf_of(url: str) -> str:
    """The token that the server gives a browser."""
    with urllib.request.urlopen(f"{url}/_stcore/health", timeout=ANSWER_SECONDS) as response:
        cookie = response.headers.get("Set-Cookie", "")
    name, _, token = cookie.partition(";")[0].partition("=")
    if name != _XSRF:
        raise SessionError("the server gave no XSRF token")
    return str(token)
