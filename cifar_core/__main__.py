"""The command line: `python -m cifar_core data|train|analyze|runs|bench`. Exit codes: 0 done, 2 bad input, 1 failed.

What it does stands in `cifar_core.commands.cli`; here it only gets a process in which nothing can go wrong unsaid.
"""

# What `signal` is made from: that itself takes milliseconds to import, in which Ctrl-C would print a traceback.
import _signal  # type: ignore[import-not-found]
import os
import sys

if __name__ == "__main__" and _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
    _signal.signal(_signal.SIGINT, lambda *_: (os.write(2, b"Cancelled.\n"), os._exit(1)))

from cifar_core.interrupts import quit_on_ctrl_c

if __name__ == "__main__":
    quit_on_ctrl_c()  # likewise, for the most of a second that follows

from cifar_core.commands.startup import begin

if __name__ == "__main__":
    begin()  # before what takes much memory

from cifar_core.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
