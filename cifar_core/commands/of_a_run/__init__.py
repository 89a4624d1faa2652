"""Further commands of `runs`, one a file."""
