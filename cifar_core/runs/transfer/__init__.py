"""Runs that travel as one .zip between workspaces: export, import, and the audit of both."""
