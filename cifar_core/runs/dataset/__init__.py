"""The dataset that shows the pictures of a run: opened, linked where it is gone, and told before it is deleted."""
