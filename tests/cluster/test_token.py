"""The token of a cluster: only its owner may read it, and a file that is none is named."""

from pathlib import Path

import pytest

from cifar_core.cluster.token import (
    PATH_VARIABLE,
    TOKEN_VARIABLE,
    make_token,
    require_token,
    take_token,
    token_environment,
    token_file,
)
from cifar_core.errors import ClusterError
from cifar_core.workspace import Workspace, open_workspace


def test_a_new_token_is_secret_and_stays(workspace: Workspace) -> None:
    path = make_token(workspace)
    content = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(content) == 64
    assert make_token(workspace).read_bytes() == content
    assert [file.name for file in workspace.cluster.iterdir()] == ["token"]


def test_two_workspaces_have_two_tokens(workspace: Workspace, tmp_path: Path) -> None:
    assert make_token(workspace).read_bytes() != make_token(open_workspace(tmp_path / "other")).read_bytes()


def test_a_copied_token_is_kept_for_its_owner_alone(workspace: Workspace, tmp_path: Path) -> None:
    given = tmp_path / "copy"
    given.write_bytes(b"a" * 64 + b"\n")
    given.chmod(0o400)
    kept = take_token(workspace, given)
    assert (kept.read_bytes(), kept.stat().st_mode & 0o777) == (b"a" * 64, 0o600)
    assert take_token(workspace, kept) == kept


@pytest.mark.fault(101)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_token_that_others_may_read_is_refused(workspace: Workspace, tmp_path: Path, mode: int) -> None:
    given = tmp_path / "copy"
    given.write_bytes(b"a" * 64)
    given.chmod(mode)
    with pytest.raises(
        ClusterError, match=r"Others may read the token in .*copy: let only yourself read it \(chmod 600\)"
    ):
        take_token(workspace, given)
    assert not workspace.cluster.exists()


@pytest.mark.parametrize("content", [b"", b"short", b"a b" * 20, b"\x00" * 64])
def test_a_file_that_holds_no_token_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ClusterError, match="token holds no token: copy"):
        require_token(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"cannot be read from .*none \(No such file or directory\): copy the file"):
        require_token(tmp_path / "none")


def test_the_token_of_the_workspace_goes_before_that_of_the_shell(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PATH_VARIABLE, str(tmp_path / "elsewhere"))
    assert token_file(workspace) == tmp_path / "elsewhere"
    own = make_token(workspace)
    assert token_file(workspace) == own
    assert token_environment(token_file(workspace)) == {PATH_VARIABLE: str(own)}


def test_without_a_token_ray_gets_one_that_no_cluster_has(workspace: Workspace) -> None:
    first, second = (token_environment(token_file(workspace)) for _ in range(2))
    assert first.keys() == {TOKEN_VARIABLE}
    assert first != second
