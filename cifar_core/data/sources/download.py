"""Download one large file over https; an interrupted download is resumed where it stopped.

Writes `<target>.part` during the download and renames it to `<target>` once length and SHA-256 are right. Every failure
is one `DownloadError` with its own sentence. The HTTP client is that of the standard library and uses the system's
proxies.
"""

import contextlib
import hashlib
import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.errors import DownloadError
from cifar_core.storage import faults
from cifar_core.storage.atomic import remove, replace
from cifar_core.storage.disk_errors import storage_errors

TIMEOUT = 20.0  # seconds without a byte, while connecting and while reading
_CHUNK = 256 * 1024
_MAX_REDIRECTS = 5

OnBytes = Callable[[int, int], None]  # bytes received, bytes in all


@dataclass(frozen=True)
class Remote:
    """The file to download, and the length and hash it must have."""

    url: str
    length: int  # bytes
    sha256: str  # hex
    help: str  # one sentence at the end of every error message: what to do without a network


@dataclass(frozen=True)
class Connection:
    """How to connect; the tests use it for a server on this machine and short time-outs."""

    schemes: tuple[str, ...] = ("https",)  # also for every redirect
    context: ssl.SSLContext | None = None  # None = the trusted certificates of the system
    timeout: float = TIMEOUT


class _RefusedRedirectError(Exception):
    """A redirect leaves the allowed schemes; the argument is its target."""


class _WrongLengthError(Exception):
    """The server offers a file of another length, which is the argument (0 = it cannot resume the partial file)."""


class _WebPageError(Exception):
    """The server sent a web page instead of the file."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the allowed schemes only; torchvision's own download would follow one to plain http."""

    max_redirections = _MAX_REDIRECTS

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme not in self._schemes:
            raise _RefusedRedirectError(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def partial_path(target: Path) -> Path:
    """The path of the unfinished file."""
    return target.with_name(target.name + ".part")


def fetch(remote: Remote, target: Path, on_progress: OnBytes, connection: Connection | None = None) -> None:
    """Download `remote` to `target`, resuming an earlier `.part` file where the server can.

    Args:
        remote: the file with its length and hash.
        target: in an existing folder; it is replaced only by a file that is right.
        on_progress: called with (bytes received, bytes in all); what it raises passes through, the `.part` file stays.
        connection: for tests.

    Raises:
        DownloadError: no network, an error page, a time-out, an interruption, wrong content, certificate or redirect.
            The `.part` file stays unless it is known to be wrong.
        StorageError: the disk refused.
    """
    connection = connection or Connection()
    partial = partial_path(target)
    try:
        try:
            _transfer(remote, partial, on_progress, connection)
        except _WrongLengthError:
            if not partial.exists():
                raise
            remove(partial)  # it belongs to another file: download again from the start
            _transfer(remote, partial, on_progress, connection)
    except _FAILURES as error:
        raise DownloadError(f"{_reason(error, remote, connection)} {remote.help}") from error
    received = partial.stat().st_size
    if received < remote.length:
        raise DownloadError(
            f"The download was interrupted after {received:,} of {remote.length:,} bytes: start it again, and it "
            f"continues from there. {remote.help}"
        )
    if received > remote.length or sha256_of(partial) != remote.sha256:
        remove(partial)
        problem = "is too long" if received > remote.length else "has the right length but the wrong content (SHA-256)"
        raise DownloadError(
            f"The download {problem}, so it was deleted: the server or something on the way changed it. {remote.help}"
        )
    with storage_errors(f"saving {target.name}"):
        replace(partial, target)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _transfer(remote: Remote, partial: Path, on_progress: OnBytes, connection: Connection) -> None:
    """One request: append to the `.part` file, or write it again where the server sends the whole file."""
    received = partial.stat().st_size if partial.exists() else 0
    if received == remote.length:
        return
    if received > remote.length:
        raise _WrongLengthError(0)
    on_progress(received, remote.length)
    headers = {"User-Agent": "cifar-core", "Accept-Encoding": "identity"}
    if received:
        headers["Range"] = f"bytes={received}-"
    if urllib.parse.urlsplit(remote.url).scheme not in connection.schemes:
        raise _RefusedRedirectError(remote.url)
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=connection.context), _Redirects(connection.schemes)
    )
    try:
        with opener.open(urllib.request.Request(remote.url, headers=headers), timeout=connection.timeout) as reply:
            start = received if reply.status == http.client.PARTIAL_CONTENT else 0
            _check_reply(reply, start, remote)
            _store(reply, partial, start, remote, on_progress)
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise _WrongLengthError(0) from error
        raise


def _check_reply(reply: Any, start: int, remote: Remote) -> None:
    if reply.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
        raise _WebPageError
    if start:
        span = reply.headers.get("Content-Range", "")
        if span != f"bytes {start}-{remote.length - 1}/{remote.length}":
            raise _WrongLengthError(0)
        return
    announced = reply.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) != remote.length:
        raise _WrongLengthError(int(announced))


def _store(reply: Any, partial: Path, start: int, remote: Remote, on_progress: OnBytes) -> None:
    received = start
    chunk = reply.read1(_CHUNK)
    if start == 0 and chunk.lstrip()[:1] == b"<":
        raise _WebPageError  # before the .part file is opened
    with contextlib.ExitStack() as stack:
        # Only around what uses the disk: errors of the network have their own sentences.
        with storage_errors(f"saving {partial.name}"):
            handle = faults.wrap(stack.enter_context(open(partial, "ab" if start else "wb")))
        while chunk:
            with storage_errors(f"saving {partial.name}"):
                handle.write(chunk)
                handle.flush()
            received += len(chunk)
            on_progress(min(received, remote.length), remote.length)
            if received > remote.length:
                return
            chunk = reply.read1(_CHUNK)


_RESUME = "start it again, and it continues where it stopped"
_FAILURES = (OSError, http.client.HTTPException, _RefusedRedirectError, _WrongLengthError, _WebPageError)


def _reason(error: Exception, remote: Remote, connection: Connection) -> str:
    """One sentence on the failure: every cause has its own."""
    host = urllib.parse.urlsplit(remote.url).hostname
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    match error, cause:
        case _RefusedRedirectError(), _:
            return f"{host} leads to {str(error)[:200]}, which is not secure (https), so it was refused."
        case _WebPageError(), _:
            return (
                f"A web page came from {host} instead of the file: log in to this network in a browser, then try again."
            )
        case _WrongLengthError(), _:
            return (
                f"{host} offers a file of {error.args[0]:,} bytes instead of {remote.length:,}: it is the wrong file."
            )
        case urllib.error.HTTPError(), _:
            return _status(error.code, host)
        case _, ssl.SSLCertVerificationError():
            return f"The certificate of {host} is not valid ({cause.verify_message}), so nothing was fetched."
        case _, TimeoutError():
            return f"{host} sent nothing for {connection.timeout:g} seconds: {_RESUME}."
        case urllib.error.URLError(), _:
            return f"{host} cannot be reached ({getattr(cause, 'strerror', None) or cause}): is there a network?"
        case _:
            return f"The connection to {host} broke ({error}): {_RESUME}."


def _status(code: int, host: str | None) -> str:
    if code in (404, 410):
        return f"{host} does not have the file any more (HTTP {code})."
    if code == http.client.NETWORK_AUTHENTICATION_REQUIRED:
        return "This network asks to log in first: open a web page in a browser, then try again."
    if code >= 500:
        return f"{host} reports a fault of its own (HTTP {code}): try again later."
    return f"{host} refused to send the file (HTTP {code})."
