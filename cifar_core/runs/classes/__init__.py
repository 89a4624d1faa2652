"""Runs of a class: those of a lesson or of a span of time, side by side."""
