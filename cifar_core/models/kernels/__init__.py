"""Fast convolutions and pooling for the CPU, with the results of torch's own except for rounding."""
