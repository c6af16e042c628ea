"""What a closer look at each person shows: crops, landmark networks, and their points fused with the detector's."""
