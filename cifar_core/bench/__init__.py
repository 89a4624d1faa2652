"""Measuring this program on this machine, beside a plain PyTorch loop."""
