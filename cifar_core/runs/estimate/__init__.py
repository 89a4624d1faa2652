"""How long a run, such as one of a preset, will take on this machine, and how fast the machine is."""
