"""Train a CNN on small pictures, watch it learn, and find out what it gets wrong. Importing this loads nothing else."""

__version__ = "0.1.0"
