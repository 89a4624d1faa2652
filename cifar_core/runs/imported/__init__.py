"""Runs that hold the predictions of a model trained elsewhere, imported from a file."""
