"""A run on another machine, whatever reaches that machine: its files, its datasets, its process. Loads no Ray."""
