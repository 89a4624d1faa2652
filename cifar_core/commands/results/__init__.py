"""Commands about the results of a run: what it got wrong, how it differs from another, what its numbers are worth."""
