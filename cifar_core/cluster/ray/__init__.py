"""The back end Ray: the only place that loads it."""
