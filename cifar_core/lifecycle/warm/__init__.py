"""Warm workers: the worker of one run after the other, whose computing process keeps its libraries and its data."""
