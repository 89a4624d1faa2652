"""What a dataset of a million pictures takes: its import, its checks, an epoch, and the tables of the pages."""
