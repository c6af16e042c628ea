"""Many videos: found, shared out to workers, recorded in a manifest, and never done twice."""
