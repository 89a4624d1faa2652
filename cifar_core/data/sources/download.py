"""Fetching one large file over https, so that it can be cut off anywhere and goes on where it stopped.

Writes `<target>.part` while it loads and renames it to `<target>` once length and SHA-256 are right. Every failure is one
`DownloadError` with its own sentence. The standard library's own client does the protocol, with the system's proxies.
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

STALL = 20.0  # seconds without a byte, while connecting and while reading
_CHUNK = 256 * 1024
_MAX_REDIRECTS = 5


@dataclass(frozen=True)
class Remote:
    """What is fetched, and what it must turn out to be."""

    url: str
    length: int  # bytes
    sha256: str  # hex
    help: str  # one sentence ending every failure: the way without a network


@dataclass(frozen=True)
class Line:
    """How it is fetched: the tests put a server on this machine, and short time-outs, here."""

    schemes: tuple[str, ...] = ("https",)  # also for every redirect
    context: ssl.SSLContext | None = None  # None = the system's trusted certificates
    stall: float = STALL


class _RefusedRedirectError(Exception):
    """A redirect left the allowed schemes; carries where to."""


class _WrongLengthError(Exception):
    """The server offers a file of another length; carries which, in bytes (0 = the part did not fit)."""


class _WebPageError(Exception):
    """A page for people came instead of the file."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the allowed schemes only: torchvision's own download would go on over plain http."""

    max_redirections = _MAX_REDIRECTS

    def __init__(self, schemes: tuple[str, ...]) -> None:
        self._schemes = schemes

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme not in self._schemes:
            raise _RefusedRedirectError(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def part_of(target: Path) -> Path:
    """Where the unfinished file lies."""
    return target.with_name(target.name + ".part")


def fetch(remote: Remote, target: Path, tell: Callable[[int, int], None], line: Line | None = None) -> None:
    """Fetch `remote` to `target`, going on from an earlier `.part` where the server can.

    Args:
        remote: the file and its length and hash.
        target: in an existing folder; replaced only by a file that is right.
        tell: called with (bytes there, bytes in all); whatever it raises passes through and leaves the `.part`.
        line: for tests.

    Raises:
        DownloadError: no network, an error page, a stall, cut off, wrong content, certificate or redirect. What was
            fetched so far stays as `.part` unless it is known to be wrong.
        StorageError: the disk refused.
    """
    line = line or Line()
    part = part_of(target)
    try:
        try:
            _transfer(remote, part, tell, line)
        except _WrongLengthError:
            if not part.exists():
                raise
            remove(part)  # the part is of another file: once more, from the start
            _transfer(remote, part, tell, line)
    except _FAILURES as error:
        raise DownloadError(f"{_reason(error, remote, line)} {remote.help}") from error
    have = part.stat().st_size
    if have < remote.length:
        raise DownloadError(
            f"The download was cut off after {have:,} of {remote.length:,} bytes: start it again, it goes on from there. "
            f"{remote.help}"
        )
    if have > remote.length or sha256_of(part) != remote.sha256:
        remove(part)
        what = "is too long" if have > remote.length else "has the right length but the wrong content (SHA-256)"
        raise DownloadError(
            f"The download {what}, so it was thrown away: the server or something on the way changed it. {remote.help}"
        )
    with storage_errors(f"saving {target.name}"):
        replace(part, target)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _transfer(remote: Remote, part: Path, tell: Callable[[int, int], None], line: Line) -> None:
    """One request: append to the `.part`, or begin it anew where the server sends the whole file."""
    have = part.stat().st_size if part.exists() else 0
    if have == remote.length:
        return
    if have > remote.length:
        raise _WrongLengthError(0)
    tell(have, remote.length)
    headers = {"User-Agent": "cifar-core", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if urllib.parse.urlsplit(remote.url).scheme not in line.schemes:
        raise _RefusedRedirectError(remote.url)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=line.context), _Redirects(line.schemes))
    try:
        with opener.open(urllib.request.Request(remote.url, headers=headers), timeout=line.stall) as reply:
            start = have if reply.status == http.client.PARTIAL_CONTENT else 0
            _check_reply(reply, start, remote)
            _store(reply, part, start, remote, tell)
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


def _store(reply: Any, part: Path, start: int, remote: Remote, tell: Callable[[int, int], None]) -> None:
    have = start
    chunk = reply.read1(_CHUNK)
    if start == 0 and chunk.lstrip()[:1] == b"<":
        raise _WebPageError  # before the .part is touched
    with contextlib.ExitStack() as stack:
        with storage_errors(
            f"saving {part.name}"
        ):  # around the disk alone: what the network raises has its own sentences
            handle = faults.wrap(stack.enter_context(open(part, "ab" if start else "wb")))
        while chunk:
            with storage_errors(f"saving {part.name}"):
                handle.write(chunk)
                handle.flush()
            have += len(chunk)
            tell(min(have, remote.length), remote.length)
            if have > remote.length:
                return
            chunk = reply.read1(_CHUNK)


_FAILURES = (OSError, http.client.HTTPException, _RefusedRedirectError, _WrongLengthError, _WebPageError)


def _reason(error: Exception, remote: Remote, line: Line) -> str:
    """The failure in one sentence: every cause has its own."""
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
            return f"{host} offers a file of {error.args[0]:,} bytes instead of {remote.length:,}: it is not the right one."
        case urllib.error.HTTPError(), _:
            return _status(error.code, host)
        case _, ssl.SSLCertVerificationError():
            return f"The certificate of {host} is not valid ({cause.verify_message}), so nothing was fetched."
        case _, TimeoutError():
            return f"{host} sent nothing for {line.stall:g} seconds: start it again, it goes on from where it stopped."
        case urllib.error.URLError(), _:
            return f"{host} cannot be reached ({getattr(cause, 'strerror', None) or cause}): is there a network?"
        case _:
            return f"The connection to {host} broke ({error}): start it again, it goes on from where it stopped."


def _status(code: int, host: str | None) -> str:
    if code in (404, 410):
        return f"{host} does not have the file any more (HTTP {code})."
    if code == http.client.NETWORK_AUTHENTICATION_REQUIRED:
        return "This network asks to log in first: open a web page in a browser, then try again."
    if code >= 500:
        return f"{host} has trouble of its own (HTTP {code}): try again later."
    return f"{host} refused to send the file (HTTP {code})."
