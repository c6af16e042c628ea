"""Bodies filmed in clothes, and asked of the real chain."""
