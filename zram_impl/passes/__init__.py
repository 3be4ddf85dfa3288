"""Passes over the slots: writeback, recompression, compaction, idle marking."""
