"""The command line: `python -m cifar_core data|train|analyze|runs|bench`. Exit codes: 0 done, 2 bad input, 1 failed.

What it does stands in `cifar_core.commands.line`; here it only gets a process in which nothing can go wrong unsaid.
"""

import sys

from cifar_core.interrupts import quit_on_ctrl_c

if __name__ == "__main__":
    quit_on_ctrl_c()  # before all else, since what follows takes most of a second

from cifar_core.commands.start import begin

if __name__ == "__main__":
    begin()  # before what takes much memory

from cifar_core.commands.line import main

if __name__ == "__main__":
    sys.exit(main())
