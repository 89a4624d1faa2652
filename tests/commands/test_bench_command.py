"""The command `bench` as a person meets it."""

from pathlib import Path
from typing import Any


def test_the_soak_is_refused_with_the_command_that_runs_it(call: Any, tmp_path: Path) -> None:
    """Also beside another part, before anything is measured or made."""
    for parts in (("--part", "soak"), ("--part", "loop", "--part", "soak")):
        code, out, err = call("bench", "--workspace", tmp_path / "workspace", *parts)
        assert (code, out, err) == (2, "", "Error: The soak is run by `make soak`.\n")
    assert not (tmp_path / "workspace").exists()
