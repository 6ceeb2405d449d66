"""Mistakes of the literature, on purpose: each one small file, the right thing with one thing wrong.

For teaching, and to see that the tests see. Nothing outside this folder imports from it; whatever is trained or measured
with it is called `pitfall_...` in run directories, tables and evaluations. docs/pitfalls.md shows what each looks like from
outside.

The training curve of such a run is the mistaken code's own claim; the test columns are measured by the right evaluators.
"""
