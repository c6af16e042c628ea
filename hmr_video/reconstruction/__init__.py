"""From tracks to estimates: lifting, refinement, shape, quality."""
