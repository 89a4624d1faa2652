"""Measuring this program beside a plain one, and what was measured. Reading the results needs no torch."""

from cifar_core.measured import Expected, expected_accuracy

__all__ = ["Expected", "expected_accuracy"]
