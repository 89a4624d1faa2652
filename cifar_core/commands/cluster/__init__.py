"""The command line of clusters."""
