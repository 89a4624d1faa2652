"""Runs that are trials of a sweep: what the sweep's folder keeps of them."""
