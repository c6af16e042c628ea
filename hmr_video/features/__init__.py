"""From a person's 2D evidence to one vector per frame, which is what the model reads."""
