"""A level world: whether the camera stands still, where the floor is, and feet that stay on it."""
