"""What the background tells: shots, panning."""
