"""The font of the figures, from matplotlib's own folder.

matplotlib reads the fonts that it knows from a file in the user's cache. An installation that is incomplete, or is just being
removed, may have written it: the fonts that are part of matplotlib are then missing, in every installation of this user, and
figures are drawn in another font with no more than a line in the log.
"""

from pathlib import Path

import matplotlib
from matplotlib.font_manager import fontManager

__all__ = ["add_bundled_fonts"]


def add_bundled_fonts() -> None:
    """Add the STIX fonts to those that matplotlib knows, if they are not among them."""
    if any(font.name == "STIXGeneral" for font in fontManager.ttflist):
        return
    for path in sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("STIX*.ttf")):
        fontManager.addfont(path)
