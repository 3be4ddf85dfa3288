"""The parts of a device behind its interface: configuration, life cycle, passes, snapshots."""
