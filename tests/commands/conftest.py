"""The commands are tried on the run tests' workspace with its one finished run."""

from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]
