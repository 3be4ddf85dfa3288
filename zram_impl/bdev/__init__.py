"""Backing devices: what holds the blocks. `device` is the protocol, `file` the real one."""
