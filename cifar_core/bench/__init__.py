"""Benchmarks of this program on this machine, with a plain PyTorch training loop as the baseline."""
