"""The memory that a shell allows a process (`ulimit -v`), and what is said where it ran out.

Such a limit is handed down to each process that a command starts. A library that meets it says so in many ways.
"""

import mmap
import re
import sys

if sys.platform != "win32":
    import resource

_MB = 1024 * 1024
_SIGNS = re.compile(  # in the last words of Python, the loader of libraries, C++, the system and torch
    r"MemoryError|failed to map segment|[Cc]annot allocate|[Cc]an't allocate|bad_alloc|Memory allocation|out of memory"
)
_THREADS = re.compile("can't start new thread|Resource temporarily unavailable")  # of memory only where that is limited
_CARD = re.compile("CUDA|HIP|MPS")
_CARD_WORDS = "The memory of the graphics card ran out: a smaller network or batch needs less."


def memory_limit() -> int | None:
    """How many bytes of addresses this process may have; None where nobody set a limit."""
    if sys.platform == "win32":
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def is_there(size: int) -> bool:
    """Whether this process could have so many bytes more."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True


def memory_words() -> str:
    """That memory ran out, and the way out."""
    limit = memory_limit()
    if limit is None:
        return "The memory of this machine ran out: end other programs, or use less, and try again."
    return f"The memory ran out: a process may have {limit / _MB:,.0f} MB here. Raise that limit (ulimit -v) and try again."


def if_of_memory(words: str) -> str:
    """What ran out of which memory, where the last words of a process tell that; else nothing."""
    if _SIGNS.search(words):
        return _CARD_WORDS if _CARD.search(words) else memory_words()
    return memory_words() if _THREADS.search(words) and memory_limit() else ""
