"""Train a CNN on small pictures, watch it learn, and find out what it gets wrong. Importing this costs nothing."""

__version__ = "0.1.0"
