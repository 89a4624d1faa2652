"""A PostgreSQL server of its own for the tests, which runs as the user `postgres` where the tests run as root."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PLACES = "/usr/lib/postgresql/*/bin"  # Debian keeps the programs of the server out of the PATH
USER = "optuna"


def find_server() -> tuple[Path | None, str]:
    """The folder of the server's programs, or why there is no server, in one sentence."""
    found = [*sorted(Path("/").glob(_PLACES[1:]), reverse=True), *map(Path, os.environ["PATH"].split(os.pathsep))]
    programs = next((place for place in found if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)
    if programs is None:
        return None, "PostgreSQL is not installed here (Debian: apt install postgresql)"
    if os.name != "posix" or (os.geteuid() == 0 and shutil.which("runuser") is None):
        return None, "PostgreSQL does not run as root, and this machine has no runuser"
    return programs, ""


@contextlib.contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """A server with one empty database; gives the URL of that, and ends the server."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        home = Path(name)
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
            as_user = ["runuser", "-u", "postgres", "--"]

        def do(program: str, *options: str) -> None:
            command = [*as_user, f"{programs / program}", *options]
            done = subprocess.run(
                command, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

        port, data = free_port(), str(home / "data")
        do("initdb", "-D", data, "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {home} -c fsync=off"
        do("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", options, "start")
        try:
            do("createdb", "-h", str(home), "-p", str(port), "-U", USER, "sweeps")
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/sweeps"
        finally:
            do("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
