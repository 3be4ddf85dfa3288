"""Specification and implementation side by side."""

import logging

# What a keeper says of its device is no result of a search, and would be printed for want of anybody who takes it.
logging.getLogger("zram_impl").addHandler(logging.NullHandler())
