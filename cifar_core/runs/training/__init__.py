"""The process that trains one run, and what it writes into the run's folder."""
