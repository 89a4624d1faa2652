"""The URL of a PostgreSQL database whose study several machines share: checked, and without a password."""

from urllib.parse import parse_qsl, urlsplit

from cifar_core.errors import ConfigError

_DRIVER = "postgresql+psycopg"
_SCHEMES = ("postgresql", _DRIVER)
_EXAMPLE = "postgresql://USER@HOST/DATABASE"
_MOST = 500  # characters


def checked_storage(url: str) -> str:
    """The URL with the driver that sweeps use, `postgresql+psycopg://`; an empty text as it is.

    Raises:
        ConfigError: it is too long, of no PostgreSQL database, or names a password, which every list of processes and
            every `sweep.json` would show. The sentence never repeats the URL, since a password may be in it.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
        fields = parse_qsl(parts.query, keep_blank_values=True)
        readable = parts.port is None or parts.port >= 0
    except ValueError:
        readable = False
    scheme, _, rest = url.partition("://")
    if not readable or not rest or scheme not in _SCHEMES or len(url) > _MOST or not url.isprintable():
        raise ConfigError([f"The storage is no PostgreSQL database: give its URL, as in {_EXAMPLE}."])
    if has_password or any(name.lower() in ("password", "sslpassword") for name, _ in fields):
        raise ConfigError(
            [
                "The URL of the storage has a password, which lists of processes would show: leave it out, and give it "
                "in the variable PGPASSWORD or in the file ~/.pgpass."
            ]
        )
    return f"{_DRIVER}://{rest}"
