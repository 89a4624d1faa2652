"""The URL of a shared study: PostgreSQL alone, and no password that a list of processes would show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.errors import ConfigError
from cifar_core.sweeps.planning.storage_url import checked_storage


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ""),
        ("postgresql://me@host/db", "postgresql+psycopg://me@host/db"),
        ("postgresql+psycopg://me@host:5433/db", "postgresql+psycopg://me@host:5433/db"),
        ("postgresql://me@/db?host=/tmp/socket&port=5433", "postgresql+psycopg://me@/db?host=/tmp/socket&port=5433"),
    ],
)
def test_a_database_is_given_with_the_driver(url: str, expected: str) -> None:
    assert checked_storage(url) == expected == checked_storage(expected)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///study.db",
        "mysql://me@host/db",
        "postgresql+asyncpg://host/db",
        "host/db",
        "postgresql:host",
        "postgresql://",
        "postgresql://host/db\n",
        "postgresql://host:port/db",
        "postgresql://host:99999/db",
        "postgresql://[host/db",
        "postgresql://me@host/" + "d" * 500,
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(
        ConfigError, match="The storage is no PostgreSQL database: give its URL, as in postgresql://USER"
    ):
        checked_storage(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cret@host/db",
        "postgresql://me:@host/db",
        "postgresql://host/db?password=s3cret",
        "postgresql://host/db?PassWord=s3cret",
        "postgresql://host/db?sslpassword=s3cret",
    ],
)
def test_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"PGPASSWORD or in the file ~/\.pgpass") as caught:
        checked_storage(url)
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    for url in (text, f"postgresql://{text}"):
        try:
            found = checked_storage(url)
        except ConfigError:
            continue
        assert found == "" or found.startswith("postgresql+psycopg://")
