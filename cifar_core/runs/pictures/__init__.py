"""One picture of the test part: what a run answered after each epoch, and what other runs answer."""
