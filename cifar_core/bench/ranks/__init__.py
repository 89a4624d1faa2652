"""What several processes of one training gain and change."""
