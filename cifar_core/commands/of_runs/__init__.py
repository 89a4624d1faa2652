"""Commands of `runs` that stand in files of their own."""
