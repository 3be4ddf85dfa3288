"""Traces: what a device reported while its threads ran free, judged by the specification afterwards.

`python -m stateful trace-record FILE` records one, `python -m stateful trace-check FILE` judges one, of this device or
of any other that writes the format of docs/traces.md.
"""
