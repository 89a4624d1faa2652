"""The downloader against a server on this machine that fails in every way a server can."""

import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cifar_core.data.sources.download import Connection, Remote, fetch, partial_path
from cifar_core.errors import DownloadError
from cifar_core.jobs.progress import CancelledError

CONTENT = b"\x1f\x8b" + bytes(range(256)) * 4000
HELP = "Without a network: put the file here."
TIMEOUT = 0.5  # seconds that the downloader waits; the server waits until it is released

Behaviour = Callable[["Handler"], None]


@dataclass
class Server:
    """A server that answers each request with the next behaviour, and after the last with the last again."""

    url: str = ""
    behaviours: list[Behaviour] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)  # the Range header of each request
    release: threading.Event = field(default_factory=threading.Event)  # ends stalls

    @property
    def remote(self) -> Remote:
        return Remote(self.url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), HELP)


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next behaviour of its server."""

    scripted: Server

    def do_GET(self) -> None:
        self.scripted.ranges.append(self.headers.get("Range"))
        behaviours = self.scripted.behaviours
        (behaviours.pop(0) if len(behaviours) > 1 else behaviours[0])(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""

    def begin(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


def whole(request: Handler) -> None:
    """The file, or the part that a Range header asks for."""
    requested = request.headers.get("Range")
    if requested:
        start = int(requested.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        request.begin(206, Content_Length=len(CONTENT) - start, Content_Range=span)
        request.wfile.write(CONTENT[start:])
    else:
        request.begin(200, Content_Length=len(CONTENT))
        request.wfile.write(CONTENT)


def without_range(request: Handler) -> None:
    """Always the whole file, whatever the Range header."""
    request.begin(200, Content_Length=len(CONTENT))
    request.wfile.write(CONTENT)


def cut_off(request: Handler) -> None:
    """Half of the announced length."""
    request.begin(200, Content_Length=len(CONTENT))
    request.wfile.write(CONTENT[: len(CONTENT) // 2])


def stall(request: Handler) -> None:
    """Half, then nothing, with the connection left open."""
    cut_off(request)
    request.wfile.flush()
    request.scripted.release.wait(20)


def silent(request: Handler) -> None:
    """No status line."""
    request.scripted.release.wait(20)


def reset(request: Handler) -> None:
    """Half, then the connection is reset."""
    cut_off(request)
    request.wfile.flush()
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    request.connection.shutdown(socket.SHUT_RD)
    request.connection.close()


def other_content(request: Handler) -> None:
    """The right length with one wrong byte."""
    request.begin(200, Content_Length=len(CONTENT))
    request.wfile.write(CONTENT[:-1] + b"x")


def other_length(request: Handler) -> None:
    """A file of another length."""
    request.begin(200, Content_Length=5)
    request.wfile.write(b"\x1f\x8bxyz")


def endless(request: Handler) -> None:
    """More than the file, without a Content-Length."""
    request.begin(200)
    request.wfile.write(CONTENT + CONTENT)


def login_page(request: Handler) -> None:
    """The login page of a public network."""
    request.begin(200, Content_Type="text/html; charset=utf-8")
    request.wfile.write(b"<html>Please log in</html>")


def unnamed_page(request: Handler) -> None:
    """A web page of exactly the right length with another Content-Type."""
    request.begin(200, Content_Length=len(CONTENT), Content_Type="application/gzip")
    request.wfile.write(b"\n <!DOCTYPE html>".ljust(len(CONTENT)))


def status(code: int) -> Behaviour:
    return lambda request: request.begin(code, Content_Length=0)


def redirect(target: str) -> Behaviour:
    return lambda request: request.begin(302, Location=target, Content_Length=0)


def foreign_range(request: Handler) -> None:
    """A range of another file."""
    request.begin(206, Content_Length=3, Content_Range="bytes 7-9/10")
    request.wfile.write(b"xyz")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on a free port of this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    scripted = Server()
    web = ThreadingHTTPServer(("127.0.0.1", 0), type("ScriptedHandler", (Handler,), {"scripted": scripted}))
    web.daemon_threads = True
    scripted.url = f"http://127.0.0.1:{web.server_port}/data.tar.gz"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield scripted
    scripted.release.set()
    web.shutdown()
    thread.join()
    web.server_close()


CONNECTION = Connection(schemes=("http",), timeout=TIMEOUT)


def no_report(done: int, total: int) -> None:
    """Report no progress."""


def test_a_whole_file_with_its_progress(server: Server, tmp_path: Path) -> None:
    """Progress goes from nothing to all; no `.part` file is left."""
    server.behaviours = [whole]
    progress: list[tuple[int, int]] = []
    fetch(server.remote, tmp_path / "a", lambda done, total: progress.append((done, total)), CONNECTION)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert progress[0] == (0, len(CONTENT))
    assert progress[-1] == (len(CONTENT), len(CONTENT))
    assert [item.name for item in tmp_path.iterdir()] == ["a"]


@pytest.mark.fault(62)
@pytest.mark.parametrize(
    ("behaviour", "message", "part_stays"),
    [
        (status(404), "does not have the file any more .HTTP 404", False),
        (status(403), "refused to send the file .HTTP 403", False),
        (status(503), "reports a fault of its own .HTTP 503", False),
        (status(511), "asks to log in", False),
        (login_page, "web page came from 127.0.0.1 instead", False),
        (unnamed_page, "web page came from 127.0.0.1 instead", False),
        (stall, "sent nothing for 0.5 seconds", True),
        (silent, "sent nothing for 0.5 seconds", False),
        (cut_off, "interrupted after 512,001 of 1,024,002 bytes", True),
        (other_content, "right length but the wrong content", False),
        (other_length, "offers a file of 5 bytes instead of 1,024,002", False),
        (endless, "too long", False),
        (redirect("http://127.0.0.1:1/x"), "cannot be reached", False),
        (redirect("ftp://127.0.0.1/x"), "leads to ftp://127.0.0.1/x, which is not secure", False),
        (redirect("data.tar.gz"), "refused to send the file .HTTP 302", False),
    ],
)
def test_each_failure_has_its_own_sentence(
    server: Server, tmp_path: Path, behaviour: Behaviour, message: str, part_stays: bool
) -> None:
    """All end with the help; an older file is not changed; the `.part` file stays only if it can be resumed."""
    server.behaviours = [behaviour]
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
    assert str(caught.value).endswith(HELP)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert partial_path(tmp_path / "a").exists() == part_stays


@pytest.mark.fault(62)
def test_a_reset_connection_keeps_the_partial_file(server: Server, tmp_path: Path) -> None:
    """The system reports the reset as an end or as an error; the download is resumed after both."""
    server.behaviours = [reset, whole]
    with pytest.raises(DownloadError, match=r"broke|interrupted"):
        fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
    fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.fault(62)
def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port on which nothing listens, and a host that does not exist."""
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for host in (f"127.0.0.1:{port}", "nowhere.invalid"):
        remote = Remote(f"http://{host}/a", 10, "", HELP)
        with pytest.raises(DownloadError, match=r"cannot be reached .*is there a network\?"):
            fetch(remote, tmp_path / "a", no_report, CONNECTION)


@pytest.mark.fault(62)
@pytest.mark.parametrize("second", [whole, without_range])
def test_an_interrupted_download_is_resumed(server: Server, tmp_path: Path, second: Behaviour) -> None:
    """It continues where it stopped if the server can, else from the start; the progress begins at what is there."""
    server.behaviours = [cut_off, second]
    with pytest.raises(DownloadError, match="interrupted"):
        fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
    progress: list[int] = []
    fetch(server.remote, tmp_path / "a", lambda done, total: progress.append(done), CONNECTION)
    assert server.ranges == [None, "bytes=512001-"]
    assert progress[0] == 512_001
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.fault(63)
def test_a_killed_download_is_resumed(server: Server, tmp_path: Path) -> None:
    """A killed process leaves a `.part` file of any length, also a complete one."""
    server.behaviours = [whole]
    for length in (1, len(CONTENT) - 1, len(CONTENT)):
        partial_path(tmp_path / "a").write_bytes(CONTENT[:length])
        fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
        assert (tmp_path / "a").read_bytes() == CONTENT
    assert len(server.ranges) == 2


@pytest.mark.fault(63)
@pytest.mark.parametrize("answer", [foreign_range, status(416)])
def test_a_part_of_another_file_is_dropped(server: Server, tmp_path: Path, answer: Behaviour) -> None:
    """The file is downloaded from the start in the same call."""
    server.behaviours = [answer, whole]
    partial_path(tmp_path / "a").write_bytes(b"zzz")
    fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
    assert server.ranges == ["bytes=3-", None]
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.fault(62)
def test_a_part_that_is_too_long_or_wrong(server: Server, tmp_path: Path) -> None:
    """If it is too long, the file is downloaded again; if its content is wrong, it is deleted."""
    server.behaviours = [whole]
    partial_path(tmp_path / "a").write_bytes(CONTENT + b"x")
    fetch(server.remote, tmp_path / "a", no_report, CONNECTION)
    partial_path(tmp_path / "b").write_bytes(b"x" * 100)
    with pytest.raises(DownloadError, match="wrong content"):
        fetch(server.remote, tmp_path / "b", no_report, CONNECTION)
    fetch(server.remote, tmp_path / "b", no_report, CONNECTION)
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_cancelling_passes_through(server: Server, tmp_path: Path) -> None:
    """What the progress call raises is raised by `fetch`."""

    def cancel(done: int, total: int) -> None:
        if done:
            raise CancelledError("enough")

    server.behaviours = [whole]
    with pytest.raises(CancelledError):
        fetch(server.remote, tmp_path / "a", cancel, CONNECTION)


@pytest.mark.fault(62)
def test_plain_http_is_refused_by_default(server: Server, tmp_path: Path) -> None:
    """No request is made."""
    server.behaviours = [whole]
    with pytest.raises(DownloadError, match="not secure"):
        fetch(server.remote, tmp_path / "a", no_report)
    assert server.ranges == []


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that only this test trusts, with its key, in one file."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl on this machine to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture
def secure(certificate: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A second server, over https, beside the plain one."""
    scripted = Server()
    web = ThreadingHTTPServer(("127.0.0.1", 0), type("ScriptedHandler", (Handler,), {"scripted": scripted}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    web.daemon_threads = True
    monkeypatch.setattr(web, "handle_error", lambda request, address: None)  # a refused certificate is expected
    scripted.url = f"https://127.0.0.1:{web.server_port}/data.tar.gz"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield scripted
    web.shutdown()
    thread.join()
    web.server_close()


def test_https_with_a_trusted_certificate(secure: Server, certificate: Path, tmp_path: Path) -> None:
    """With the default scheme, as in production."""
    secure.behaviours = [whole]
    fetch(
        secure.remote,
        tmp_path / "a",
        no_report,
        Connection(context=ssl.create_default_context(cafile=str(certificate))),
    )
    assert (tmp_path / "a").read_bytes() == CONTENT


@pytest.mark.fault(62)
def test_an_untrusted_certificate(secure: Server, tmp_path: Path) -> None:
    """The message names the certificate, and no file is requested."""
    secure.behaviours = [whole]
    with pytest.raises(DownloadError, match=r"certificate of 127\.0\.0\.1 is not valid"):
        fetch(secure.remote, tmp_path / "a", no_report, Connection(timeout=5))
    assert secure.ranges == []


@pytest.mark.fault(62)
def test_a_redirect_to_plain_http_is_refused(secure: Server, server: Server, certificate: Path, tmp_path: Path) -> None:
    """It is refused although the file there is right."""
    server.behaviours = [whole]
    secure.behaviours = [redirect(server.url)]
    connection = Connection(context=ssl.create_default_context(cafile=str(certificate)))
    with pytest.raises(DownloadError, match="which is not secure"):
        fetch(secure.remote, tmp_path / "a", no_report, connection)
    assert server.ranges == []
