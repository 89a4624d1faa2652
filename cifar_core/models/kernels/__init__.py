"""Convolutions for the CPU that take the fastest of several ways to the same result."""
