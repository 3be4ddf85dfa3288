"""Pages of an initialised device: write, read, discard, statistics, snapshot."""
