"""What a run keeps of each training picture each time it is shown: the answer of the network that learned from it."""
