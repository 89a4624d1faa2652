"""Predictions by the weights of a stored run, computed in a process of its own."""
