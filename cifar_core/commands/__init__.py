"""The command line, a file for each group of commands. `python -m cifar_core --help` lists them."""
