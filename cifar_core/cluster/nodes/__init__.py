"""This machine as a node of a cluster: started, joined, ended."""
