"""Detached work of any kind: what its processes print, and how they tell how far they are."""
