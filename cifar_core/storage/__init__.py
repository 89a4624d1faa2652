"""How anything reaches the disk and comes back: whole files or none, locks, and JSON with checked types."""
