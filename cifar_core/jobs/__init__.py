"""What all detached processes share: the log of what they print, and how they report their progress."""
