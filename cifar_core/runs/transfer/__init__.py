"""Moves runs between workspaces as one .zip each: export (the ZIP download), import, and the audit of both."""
