"""aevb: Auto-Encoding Variational Bayes (Kingma & Welling, arXiv 1312.6114), reproduced whole.

`import aevb` is light: torch is imported only when `aevb.load` is called.
"""

__all__ = ["__version__"]
__version__ = "0.1.0"
