"""Run code without root's right to ignore the permissions of files, because root may run the tests."""

import ctypes
import os
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

_VERSION_3 = 0x20080522  # of Linux's capset(2)
_IGNORE_PERMISSIONS = (1 << 1) | (1 << 2) | (1 << 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
Result = TypeVar("Result")


def as_a_user(work: Callable[[], Result]) -> Result:
    """Call `work` in a thread that has dropped root's rights over files; on Linux each thread has its own rights."""
    if os.name != "posix" or (os.geteuid() == 0 and sys.platform != "linux"):
        pytest.skip("root's rights cannot be dropped here")
    with ThreadPoolExecutor(1, initializer=_drop_rights) as pool:
        return pool.submit(work).result()


def _drop_rights() -> None:
    if sys.platform != "linux":
        return
    library, head = ctypes.CDLL(None, use_errno=True), struct.pack("Ii", _VERSION_3, 0)
    buffer = ctypes.create_string_buffer(24)
    assert library.capget(head, buffer) == 0, os.strerror(ctypes.get_errno())
    effective, permitted, inheritable, *others = struct.unpack("6I", buffer.raw)
    kept = struct.pack("6I", effective & ~_IGNORE_PERMISSIONS, permitted & ~_IGNORE_PERMISSIONS, inheritable, *others)
    assert library.capset(head, kept) == 0, os.strerror(ctypes.get_errno())
