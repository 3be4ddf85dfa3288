"""Campaigns: the sources of `fuzz` on any number of workers, into a directory from which a campaign resumes.

A task is a chunk of seeds of one source at one revision. What a seed does is decided by the seed alone, and the
directory has one entry for each: a chunk that is done twice, on whichever machine, counts once.
"""
