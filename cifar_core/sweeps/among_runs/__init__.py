"""Sweeps among everything else that trains in a workspace."""
