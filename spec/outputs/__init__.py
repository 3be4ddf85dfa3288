"""Outputs that others read: verdicts as JSON, JUnit and SARIF, traces as ITF, a counterexample as a page to look at.

A command collects `verdicts.Check`s and hands them to `options.write`; everything else here is a pure function from
plain data to text. docs/outputs.md describes the formats.
"""
