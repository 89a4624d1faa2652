"""The process that trains one run: what it writes into the run's folder, and the requests that it obeys."""
