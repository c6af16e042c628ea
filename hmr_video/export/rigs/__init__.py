"""Skeletons by other programs' names, and motion on other people's characters."""
