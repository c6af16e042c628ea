"""Motion that nobody recorded: postures made up, and kinds of poses counted."""
