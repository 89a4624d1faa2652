"""The token of a cluster: a secret in a file of mode 0600, without which Ray lets nobody in.

It is never printed, and never an argument of a command.

Ray of itself runs the code of everybody who reaches its port (CVE-2023-48022, "ShadowRay"): the token is what stands
against that, and it travels unencrypted, so a cluster of several machines needs a firewall too.
"""

import os
import re
import secrets
import stat
from pathlib import Path

from cifar_core.errors import ClusterError
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.workspace import Workspace

PATH_VARIABLE = "RAY_AUTH_TOKEN_PATH"
TOKEN_VARIABLE = "RAY_AUTH_TOKEN"  # the token itself, which Ray prefers to the file
_BYTES = 32  # of a new token
_MAX_BYTES = 4096  # of a file
_ALLOWED = re.compile(rb"[A-Za-z0-9._~+/=-]{16,}", re.ASCII)


def token_file(workspace: Workspace) -> Path:
    """Where the token of the workspace's cluster lies; `$RAY_AUTH_TOKEN_PATH` where the workspace has none."""
    own = workspace.cluster / "token"
    named = os.environ.get(PATH_VARIABLE)
    return Path(named) if named and not own.exists() else own


def token_environment(path: Path) -> dict[str, str]:
    """The variables with which a process of Ray uses the token in a file.

    Where there is no such file, the token is one that no cluster has, for Ray ends a process that finds none at all.

    Raises:
        ClusterError: the file is no token, or others may read it.
    """
    if not path.exists():
        return made_up_token()
    require_token(path)
    return {PATH_VARIABLE: str(path)}


def made_up_token() -> dict[str, str]:
    """The variable with a token that no cluster has: a cluster that takes it takes everybody's."""
    return {TOKEN_VARIABLE: secrets.token_hex(_BYTES)}


def make_token(workspace: Workspace) -> Path:
    """The file with the workspace's token, made where there is none.

    Raises:
        ClusterError: the file there is no token, or others may read it.
        StorageError: the disk refused.
    """
    path = workspace.cluster / "token"
    if not path.exists():
        _write(path, secrets.token_hex(_BYTES).encode())
    require_token(path)
    return path


def take_token(workspace: Workspace, given: Path) -> Path:
    """Keep the token of a cluster that another machine began.

    Args:
        workspace: keeps it.
        given: the file that was copied from there.

    Raises:
        ClusterError: it is no token, or others may read it.
        StorageError: the disk refused.
    """
    content = require_token(given)
    path = workspace.cluster / "token"
    if not (path.exists() and path.samefile(given)):
        _write(path, content)
    return path


def require_token(path: Path) -> bytes:
    """The token in a file.

    Raises:
        ClusterError: there is no such file, it holds no token, or others than its owner may read it.
    """
    try:
        with open(path, "rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read(_MAX_BYTES).strip()
    except OSError as error:
        raise ClusterError(
            f"The token of the cluster cannot be read from {path} ({error.strerror}): copy the file `cluster/token` of "
            "the workspace where the cluster was started, and name it with --token-file."
        ) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ClusterError(f"Others may read the token in {path}: let only yourself read it (chmod 600).")
    if not _ALLOWED.fullmatch(content):
        raise ClusterError(
            f"{path} holds no token: copy `cluster/token` of the workspace where the cluster was started."
        )
    return content


def _write(path: Path, content: bytes) -> None:
    """Write a token, which nobody else may read for a moment either; raises StorageError."""
    make_folder(path.parent)
    unfinished = path.with_name(f".tmp-token-{os.getpid()}-{secrets.token_hex(4)}")
    with storage_errors(f"writing {path.name}"):
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(unfinished, path)
