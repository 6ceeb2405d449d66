"""How fast aevb is beside what else one would use, and beside what the processor can do: python -m benchmarks.

rivals/ holds one file a method, each written in its own style; they are processes of their own that take turns, so that a
ratio compares what was measured seconds apart while everybody else was idle. aevb itself is measured as users run it.
"""
