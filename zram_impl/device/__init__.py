"""The device as its users hold it: configuration, life cycle, maintenance calls."""
