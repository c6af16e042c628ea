"""What pictures as a whole tell: shots, panning, what the camera does."""
