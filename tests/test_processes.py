"""The environment with which programs are started."""

import pytest

from cifar_core.processes import child_environment


def test_existing_settings_of_threads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    ours = child_environment()
    assert ours["OMP_WAIT_POLICY"] == "PASSIVE" and int(ours["GOMP_SPINCOUNT"]) > 0
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert child_environment()["GOMP_SPINCOUNT"] == "7"
