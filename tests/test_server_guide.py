"""docs/SERVER.md is correct: limits with their defaults, options that exist, a proxy with what the app needs."""

import json
import re
import tomllib
from dataclasses import asdict

from streamlit import config

from cifar_core.limits import ServerLimits, limit_table
from cifar_core.spec import parse_settings
from pages.ui.server.access import FORWARDED_HEADERS
from pages.ui.server.upload_quota import MAX_UPLOADS
from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "SERVER.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The examples in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.M | re.S)


def test_the_limits_are_all_there_with_their_defaults() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([\d.]+|true|false|\[\]|\"{2}) \|", GUIDE, re.M))
    assert told == {name: json.dumps(value) for name, value in asdict(ServerLimits()).items()}
    assert f"at most {MAX_UPLOADS} files" in GUIDE


def test_the_example_of_limits_is_allowed() -> None:
    (example,) = blocks("json")
    assert parse_settings(json.loads(example), limit_table())[1] == []


def test_the_options_exist_and_keep_the_doors_shut() -> None:
    secrets, options = map(tomllib.loads, blocks("toml"))
    assert set(secrets["auth"]) == {
        "redirect_uri",
        "cookie_secret",
        "client_id",
        "client_secret",
        "server_metadata_url",
    }
    known = config.get_config_options()
    assert all(f"{section}.{name}" in known for section, values in options.items() for name in values)
    assert options["server"]["address"] == "127.0.0.1"


def test_the_proxy_hands_on_what_the_app_looks_at() -> None:
    (proxy,) = blocks("nginx")
    for header in ("Host $host", "Upgrade $http_upgrade", 'Connection "upgrade"'):
        assert f"proxy_set_header {header};" in proxy
    assert any(f"proxy_set_header {header} " in proxy for header in FORWARDED_HEADERS), (
        "else it would seem to be this machine alone"
    )
    megabytes = re.search(r"client_max_body_size (\d+)m", proxy)
    assert megabytes
    assert int(megabytes[1]) > ServerLimits().upload_mb


def test_secrets_are_never_committed() -> None:
    assert ".streamlit/secrets.toml" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
