"""Training: motion capture in, weights out."""
