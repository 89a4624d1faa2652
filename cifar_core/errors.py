"""The errors a person can meet. `str(error)` is one plain sentence: what is wrong, the rule, the way out."""

import struct
import tokenize

MALFORMED_ARRAY = (  # what NumPy may raise on reading a file that nobody of us wrote
    ArithmeticError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError, TypeError, ValueError,
    struct.error, tokenize.TokenError,
)  # fmt: skip


class CifarCoreError(Exception):
    """Base of every error this library raises on purpose. `exit_code` is what the command line returns for it."""

    exit_code = 1


class ConfigError(CifarCoreError):
    """Settings that break a rule. `problems` lists every one of them, a sentence each."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


class DataError(CifarCoreError):
    """A dataset, a picture or an archive that is absent, unreadable or breaks a rule."""

    exit_code = 2


class DownloadError(CifarCoreError):
    """Data that could not be fetched; the sentence says why and how to go on without a network."""


class RunError(CifarCoreError):
    """A run that does not exist, cannot be read, or cannot make the move that was asked for."""

    exit_code = 2


class StorageError(CifarCoreError):
    """The disk refused: full, read-only, not there."""


class TrainingError(CifarCoreError):
    """A training that cannot go on, such as one whose loss became infinite."""
