"""Predictions with the weights of a stored run, computed in processes of their own, so that pages load no torch."""
