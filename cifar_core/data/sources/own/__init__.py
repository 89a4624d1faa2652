"""A person's own pictures: what is in a source, and its import as a dataset."""
