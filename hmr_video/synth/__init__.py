"""Made-up motion, cameras, and what detectors see of them, simulated and filmed."""
