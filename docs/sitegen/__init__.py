"""Writes the source folder of the documentation site: the pages of docs/ and the pages that are generated.

`python -m sitegen` (by ./scripts/docs) writes the folder and lets Sphinx build it; `python -m sitegen --numbers` writes the
numbers of the results into the committed pages.
"""
