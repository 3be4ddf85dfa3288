"""Free-running threads, and whether what they did can be put in some order."""
