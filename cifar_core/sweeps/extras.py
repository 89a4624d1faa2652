"""Whether Optuna is installed, and how to get it, without loading it."""

import importlib.util

HOW_TO_GET_IT = "Sweeps need Optuna, which is not installed: `make install EXTRAS=cluster` gets it."


def has_optuna() -> bool:
    """Whether Optuna can be loaded."""
    return importlib.util.find_spec("optuna") is not None


def has_psycopg() -> bool:
    """Whether the driver of PostgreSQL can be loaded."""
    return importlib.util.find_spec("psycopg") is not None
