"""Detached work: a job is a process of its own with a folder, through which others follow and cancel it."""
