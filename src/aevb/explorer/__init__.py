"""The latent explorer: one offline HTML page with trained models in it (docs/explorer.md)."""

from aevb.explorer.page import write_page

__all__ = ["write_page"]
