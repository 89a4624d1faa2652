"""The errors that people may see. `str(error)` is one plain sentence: what is wrong, the rule, and what to do."""

import struct
import tokenize

MALFORMED_ARRAY = (  # what NumPy may raise on reading a file that this program did not write
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
)


class CifarCoreError(Exception):
    """Base of every error this library raises on purpose. `exit_code` is what the command line returns for it."""

    exit_code = 1


class ConfigError(CifarCoreError):
    """Settings break a rule. `problems` has a sentence for each of them."""

    exit_code = 2

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(" ".join(problems))


class DataError(CifarCoreError):
    """A dataset, picture or archive is absent, unreadable or breaks a rule."""

    exit_code = 2


class DownloadError(CifarCoreError):
    """Data could not be fetched; the sentence says why, and what to do without a network."""


class RunError(CifarCoreError):
    """A run does not exist, cannot be read, or cannot make the requested move."""

    exit_code = 2


class SweepError(CifarCoreError):
    """A sweep does not exist, cannot be read, or cannot do what was asked."""

    exit_code = 2


class ClusterError(CifarCoreError):
    """A cluster cannot be reached, is not safe to use, or does not fit this program."""


class StorageError(CifarCoreError):
    """The disk refused: it is full, read-only or missing."""


class TrainingError(CifarCoreError):
    """A training cannot go on."""


class DivergedError(TrainingError):
    """The loss or the weights of a training became NaN or infinite."""


class LostRankError(CifarCoreError):
    """Another process of a training of several is gone or late. The training itself did not fail: it can go on."""
