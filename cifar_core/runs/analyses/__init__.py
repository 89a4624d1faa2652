"""Kept results of analyses: one file each in the folder of a run."""
