"""How long a run will take on this machine, and how fast the machine is."""
