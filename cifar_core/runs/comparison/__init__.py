"""Two runs, or two epochs of one, on the same test pictures."""
