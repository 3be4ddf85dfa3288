"""Exceptions of signal handlers, at every point at which CPython can call one, in every public call.

The device has to be sound afterwards: counters equal a recount, nothing is leaked, the next call works, `close` ends.
`points` raises at the n-th point of a call, `calls` lists the calls, `worlds` makes the devices they are made on,
`soundness` says what is wrong afterwards, `storm` sends real signals instead.
"""
