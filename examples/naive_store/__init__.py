"""A page store with writeback in 150 lines, built by docs/how-to-your-device.md, and five bugs of it."""
