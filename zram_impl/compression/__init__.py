"""Compression: the codec, priorities, size classes, algorithms."""
