"""Deliberate mistakes from the literature: each file is a correct implementation with one error.

They are for teaching, and they show that the tests notice such errors. Nothing outside this package
imports from it, and everything that is trained or measured with it is called `pitfall_...` in run
directories, tables and evaluations. docs/pitfalls.md describes the symptoms of each mistake.

The training curve of such a run is what the erroneous code claims; the test columns are measured by
the correct evaluators.
"""
