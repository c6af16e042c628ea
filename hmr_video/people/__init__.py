"""Who is in the video, where, and their 2D keypoints: frames in, one `Track` per person out."""
