"""Several runs of one setting that differ in the seed alone."""
