"""The installed command `cifar-core`: the same program as `python -m cifar_core`, so that Ctrl-C and errors are
answered alike.
"""

import runpy
from typing import NoReturn

import cifar_core


def run() -> NoReturn:
    """Run the command line as `python -m` does, and end with its exit code."""
    runpy.run_module(cifar_core.__name__, run_name="__main__", alter_sys=True)
    raise AssertionError("the command line ends by itself")
