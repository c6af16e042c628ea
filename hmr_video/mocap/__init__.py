"""Readers of motion capture: AMASS and BVH, and the retargeting of foreign skeletons."""
