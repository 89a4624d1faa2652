"""A whole login: a provider on this machine, a real browser, and what a visitor without a login gets."""

import contextlib
import http.client
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlparse

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect

from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.e2e.screens import settle
from tests.e2e.serving import serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]

UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Provider(BaseHTTPRequestHandler):
    """Lets everybody in as Ann, as a provider does after it has asked for her password."""

    key = RSAKey.generate_key(2048, {"kid": "tests", "use": "sig", "alg": "RS256"})
    nonces: dict[str, str] = {}  # noqa: RUF012 - one provider for the one test

    def do_GET(self) -> None:
        """Its description, its keys, and the page where a person logs in."""
        here, asked = f"http://{self.headers['Host']}", urlparse(self.path)
        if asked.path == "/.well-known/openid-configuration":
            endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            signing = {"id_token_signing_alg_values_supported": ["RS256"]}
            self._say({"issuer": here, **{name: f"{here}/{path}" for name, path in endpoints.items()}, **signing})
        elif asked.path == "/keys":
            self._say({"keys": [self.key.as_dict(private=False)]})
        elif asked.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            code = secrets.token_hex(8)
            self.nonces[code] = query["nonce"]
            self.send_response(302)
            self.send_header(
                "Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
            )
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """The token for a code."""
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        now = int(time.time())
        claims = {"iss": f"http://{self.headers['Host']}", "aud": "tests", "sub": "17", "email": "ann@example.org", "iat": now,
                  "exp": now + 600, "nonce": self.nonces.pop(form["code"][0])}  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "tests"}, claims, self.key)
        self._say({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _say(self, content: object) -> None:
        answer = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def provider() -> Iterator[str]:
    """Its address."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    web.daemon_threads = True
    threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{web.server_port}"
    web.shutdown()
    web.server_close()


def test_nothing_is_seen_or_taken_before_the_login(
    page: Page, workspace: Workspace, tmp_path: Path, provider: str
) -> None:
    save_tiny(workspace, "private")
    file = tmp_path / "secrets.toml"
    file.write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"\n'
        f'cookie_secret = "{secrets.token_hex(16)}"\nclient_id = "tests"\nclient_secret = "tests"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n',
        "utf-8",
    )
    received: list[bytes] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: received.append(as_bytes(frame))))
    with serve(workspace, tmp_path / "log", STREAMLIT_SECRETS_FILES=str(file)) as app:
        for screen in ("", "data", "train", "runs", "confusion", "misclassified", "picture", "predict"):
            page.goto(f"{app.url}/{screen}")
            expect(page.get_by_role("button", name="Log in")).to_be_visible()
            settle(page)
        everything = b"".join(received)
        assert b"private" not in everything
        assert str(workspace.root).encode() not in everything
        sessions = {found.decode() for found in UUID.findall(everything)}
        cookie = next(item for item in page.context.cookies() if item["name"] == "_streamlit_xsrf")["value"]
        assert {upload(app.url, session, cookie) for session in sessions} <= {400, 413}, "no session, or no room in it"
        assert 413 in {upload(app.url, session, cookie) for session in sessions}

        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("ann@example.org")).to_be_visible()
        page.goto(f"{app.url}/data")
        expect(page.get_by_text("private").first).to_be_visible()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
        expect(page.get_by_text("ann@example.org")).to_have_count(0)


def as_bytes(frame: object) -> bytes:
    """What a frame of a WebSocket holds."""
    return frame if isinstance(frame, bytes) else str(frame).encode()


def upload(url: str, session: str, cookie: str) -> int:
    """The answer to an upload into a session by somebody who has its token."""
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\nx\r\n--b--\r\n'
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "Cookie": f"_streamlit_xsrf={cookie}",
        "X-Xsrftoken": cookie,
    }
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    with contextlib.closing(connection):
        connection.request("PUT", f"/_stcore/upload_file/{session}/file", head, headers)
        return connection.getresponse().status
