"""The server as shipped: this machine alone, no stranger's page, no upload without its token, no outside request."""

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import ROOT
from tests.e2e.screens import settle
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

MB = 1024 * 1024
HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
# Loaded by the server before anything else: notes whom it asks outside this machine.
WATCHER = """
import os, socket
def note(event, arguments):
    address = arguments[1] if event == "socket.connect" else ""
    if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1")):
        open(os.environ["ASKED"], "a").write(f"{arguments[1]}\\n")
    if event == "socket.getaddrinfo" and arguments[0] not in (None, "", "localhost", "127.0.0.1", socket.gethostname()):
        open(os.environ["ASKED"], "a").write(f"{arguments[0]}\\n")
import sys
sys.addaudithook(note)
"""


@dataclass(frozen=True)
class Upload:
    """An upload that a page made, to be made again in other ways."""

    path: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on an empty workspace."""
    folder = tmp_path_factory.mktemp("server")
    with serve(open_workspace(folder / "workspace"), folder / "log") as served:
        yield served


def answer(
    app: App, method: str, path: str, headers: dict[str, str] | None = None, body: object = None
) -> tuple[int, bytes]:
    """Status and content of one request; a body that is an iterator goes out in chunks without a Content-Length."""
    connection = http.client.HTTPConnection(app.url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may answer before all is sent
            connection.request(method, path, body=body, headers=headers or {})  # type: ignore[arg-type]
        reply = connection.getresponse()
        return reply.status, b"" if reply.status == 101 else reply.read()


def test_it_listens_on_this_machine_alone(app: App) -> None:
    listening = [
        item.laddr for item in psutil.Process(app.process.pid).net_connections("inet") if item.status == "LISTEN"
    ]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    known = [
        item.address for items in psutil.net_if_addrs().values() for item in items if item.family == socket.AF_INET
    ]
    others = [address for address in known if not address.startswith("127.")]
    for address in others:
        with socket.socket() as knocking:
            knocking.settimeout(5)
            assert knocking.connect_ex((address, listening[0].port)) != 0, address


@pytest.mark.fault(54)
@pytest.mark.parametrize(
    "stranger",
    [{"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
     {"Origin": "https://evil.streamlit.app"}, {"Host": "evil.example", "Origin": "http://evil.example"}],
)  # fmt: skip
def test_strangers_get_no_session(app: App, stranger: dict[str, str]) -> None:
    """A page of another site, or of a name that points here (DNS rebinding), cannot open the app's WebSocket."""
    assert answer(app, "GET", "/_stcore/stream", HANDSHAKE)[0] == 101
    assert answer(app, "GET", "/_stcore/stream", HANDSHAKE | stranger)[0] == 403


@pytest.mark.fault(54)
def test_uploads_need_their_token(app: App) -> None:
    for headers in ({}, {"X-Xsrftoken": "2|00|00|0"}, {"Cookie": "_streamlit_xsrf=2|00|00|0"}):
        assert answer(app, "PUT", "/_stcore/upload_file/some/file", headers, b"x")[0] == 403
        assert answer(app, "DELETE", "/_stcore/upload_file/some/file", headers)[0] == 403


@pytest.mark.parametrize("path", ["/_stcore/agent/interact", "/_stcore/agent/mcp"])
def test_no_program_may_drive_the_app(app: App, path: str) -> None:
    status, content = answer(app, "POST", path, {"Content-Type": "application/json"}, b"{}")
    assert status in (400, 403, 404)
    assert b"does not serve the agent API" in content or b"not_available" in content


@pytest.mark.parametrize(
    "path", ["/app/static/README.md", "/app/static/../README.md", "/static/../../../../../etc/passwd", "/media/../../etc/passwd",
             "/..%2f..%2fetc/passwd", "//etc/passwd", "/%5c%5chost%5cshare", "/.streamlit/config.toml", "/streamlit_app.py",
             "/component/x/../../etc/passwd"],
)  # fmt: skip
def test_no_file_is_served(app: App, path: str) -> None:
    """Refused, absent, or the empty page that loads the app: never a file."""
    status, content = answer(app, "GET", path)
    assert status in (400, 403, 404) or (status == 200 and b"<title>Streamlit</title>" in content), status
    assert b"root:" not in content


def test_no_other_site_may_steer_it(app: App) -> None:
    """By default pages under *.streamlit.app, which anybody may make, could send messages to an app they frame."""
    status, content = answer(app, "GET", "/_stcore/host-config")
    assert status == 200
    assert b'"allowedOrigins":[]' in content


def test_the_shipped_settings_say_the_same() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    server, client = settings["server"], settings["client"]
    assert client["disableDataExport"], "tables leave as our own CSV, in which no cell is a formula"
    assert (server["enableCORS"], server["enableXsrfProtection"]) == (True, True)
    assert (server["enableStaticServing"], server["enableAgentApi"]) == (False, False)
    assert (settings["browser"]["gatherUsageStats"], client["showErrorLinks"], client["showErrorDetails"]) == (
        False,
        False,
        "none",
    )


@pytest.mark.slow
@pytest.mark.browser
def test_the_server_asks_nobody(page: Page, shared: Workspace, finished: Run, tmp_path: Path) -> None:
    """The fixture `page` sees to the browser; here the server itself is watched while every page is opened."""
    (tmp_path / "sitecustomize.py").write_text(WATCHER, "utf-8")
    asked = tmp_path / "asked"
    alarm = {**os.environ, "PYTHONPATH": str(tmp_path), "ASKED": str(asked)}
    connect = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    subprocess.run([sys.executable, "-c", connect], env=alarm, check=True)
    assert asked.read_text("utf-8") == "('192.0.2.1', 9)\n", "the alarm rings"
    asked.unlink()
    with serve(shared, tmp_path / "log", PYTHONPATH=str(tmp_path), ASKED=str(asked)) as app:
        for screen in ("", "data", "train", "runs", "confusion", "misclassified", "picture", "predict"):
            page.goto(f"{app.url}/{screen}?run={finished.id}")
            settle(page)
        assert answer(app, "GET", "/_stcore/stream", HANDSHAKE | {"Origin": "http://evil.example"})[0] == 403
    assert not asked.exists(), asked.read_text("utf-8")


@pytest.fixture
def upload(page: Page, finished: Run, shared: Workspace, tmp_path: Path) -> Iterator[tuple[App, Page, Upload]]:
    """A page with its session, and the upload of a small file that it made."""
    with serve(shared, tmp_path / "log") as app:
        page.goto(f"{app.url}/predict?run={finished.id}")
        settle(page)
        with page.expect_request(re.compile("/_stcore/upload_file/")) as asking:
            choose(page, "small.png", b"not a picture")
        request = asking.value
        expect(page.get_by_text("is not a PNG", exact=False)).to_be_visible()
        headers = {name: value for name, value in request.all_headers().items() if name in ("cookie", "x-xsrftoken")}
        yield app, page, Upload(request.url.removeprefix(app.url), headers)


def choose(page: Page, name: str, content: bytes) -> None:
    """Choose a file in the uploader of the own pictures."""
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.fault(52, 53, 54)
def test_what_is_too_large_is_refused_while_it_comes(upload: tuple[App, Page, Upload], tmp_path: Path) -> None:
    app, page, made = upload
    assert set(made.headers) == {"cookie", "x-xsrftoken"}
    form = {**made.headers, "Content-Type": "multipart/form-data; boundary=b"}
    head, tail = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n', b"\r\n--b--\r\n"

    def chunks(megabytes: int) -> Iterator[bytes]:
        yield head
        for _ in range(megabytes):
            yield bytes(MB)
        yield tail

    def again(megabytes: int, **more: str) -> int:
        return answer(app, "PUT", made.path, form | more, chunks(megabytes))[0]

    assert again(1) == 204, "the same upload in chunks is taken"
    server = psutil.Process(app.process.pid)
    before = server.memory_info().rss
    assert again(400) == 413, "without a Content-Length, cut at the limit"
    assert answer(app, "PUT", made.path, form | {"Content-Length": str(300 * MB)}, head)[0] == 413, (
        "by its Content-Length, unread"
    )
    assert server.memory_info().rss - before < 100 * MB
    for lacking in made.headers:
        assert (
            answer(app, "PUT", made.path, {name: form[name] for name in form if name != lacking}, head + tail)[0] == 403
        )
    for place in range(4):  # a name that is no UTF-8, and more than a session has room for
        body = head.replace(b"x.png", b"\xff\0.png") + bytes(60 * MB) + tail
        status = answer(app, "PUT", f"{made.path}-{place}", form, body)[0]
        assert status == (204 if place < 3 else 413)
    assert server.memory_info().rss - before < 400 * MB
    with open(tmp_path / "large.png", "wb") as large:
        large.truncate(201 * MB)
    page.locator("input[type=file]").set_input_files(large.name)
    expect(page.get_by_text("20.0MB or smaller", exact=False)).to_be_visible()
    choose(page, "other.png", b"still no picture")
    expect(page.get_by_text("other.png is not a PNG", exact=False)).to_be_visible()
