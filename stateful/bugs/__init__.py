"""Seeded bugs of the device: what each changes, and how the machine and the schedules catch it.

`seeded` is the one list. A bug has the number that `spec.bugs` gives the driver's bug it repeats, so that a bug of the
device and one of the specification are joined by number; docs/generated/bugs.md shows both, side by side.
"""
