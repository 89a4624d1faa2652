"""Several training processes of one run (ranks): started, watched, and begun again at the checkpoint where one fails."""
