"""Runs that are computed on a cluster: the places, and what each back end needs."""
