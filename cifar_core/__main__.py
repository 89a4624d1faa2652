"""The command line: `python -m cifar_core data|train|analyze|runs|bench`. Exit codes: 0 done, 2 bad input, 1 failed.

The commands are in `cifar_core.commands.cli`; this module only prepares the process, so that every error is reported.
"""

# The C module below `signal`: importing `signal` itself takes milliseconds, in which Ctrl-C would print a traceback.
import _signal  # type: ignore[import-not-found]
import os
import sys

if __name__ == "__main__" and _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
    _signal.signal(_signal.SIGINT, lambda *_: (os.write(2, b"Cancelled.\n"), os._exit(1)))

from cifar_core.interrupts import quit_on_ctrl_c

if __name__ == "__main__":
    quit_on_ctrl_c()  # the same, for the imports below, which take most of a second

from cifar_core.commands.startup import prepare_process

if __name__ == "__main__":
    prepare_process()  # before the imports that need much memory

from cifar_core.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
