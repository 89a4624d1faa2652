"""Being somebody whom the permissions of files stop: root, who may run the tests, passes them all."""

import ctypes
import os
import struct
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

_VERSION_3 = 0x20080522  # of Linux's capset(2)
_PASSES = (1 << 1) | (1 << 2) | (1 << 3)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
Result = TypeVar("Result")


def as_a_user(work: Callable[[], Result]) -> Result:
    """Call it in a thread of its own, which gives up for good what lets root pass (the rights of Linux are a thread's)."""
    if os.name != "posix" or (os.geteuid() == 0 and sys.platform != "linux"):
        pytest.skip("nobody can be had here whom permissions stop")
    with ThreadPoolExecutor(1, initializer=_give_up) as pool:
        return pool.submit(work).result()


def _give_up() -> None:
    if sys.platform != "linux":
        return
    library, head = ctypes.CDLL(None, use_errno=True), struct.pack("Ii", _VERSION_3, 0)
    buffer = ctypes.create_string_buffer(24)
    assert library.capget(head, buffer) == 0, os.strerror(ctypes.get_errno())
    effective, permitted, inheritable, *others = struct.unpack("6I", buffer.raw)
    kept = struct.pack("6I", effective & ~_PASSES, permitted & ~_PASSES, inheritable, *others)
    assert library.capset(head, kept) == 0, os.strerror(ctypes.get_errno())
