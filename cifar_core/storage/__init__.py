"""Reading and writing files: whole files or none, locks, and JSON with checked types."""
