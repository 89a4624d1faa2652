"""Several training processes of one run (ranks): started, watched, begun again at the checkpoint where one fails."""
