"""The font of the figures, where matplotlib's list of fonts lacks it."""

from matplotlib import font_manager

from aevb.figures.paper.figure2 import Figure2
from helpers.figure_runs import plant


def test_a_figure_is_drawn_in_stix_whatever_the_cache_of_fonts_has(tmp_path, monkeypatch):
    fonts = font_manager.fontManager
    monkeypatch.setattr(fonts, "ttflist", [font for font in fonts.ttflist if not font.name.startswith("STIX")])
    fonts._findfont_cached.cache_clear()
    plant(tmp_path / "runs", train={100: -543.0, 100000: -200.0, 1000000: -126.0})
    pdf, *_ = Figure2().draw(tmp_path / "runs", tmp_path)
    assert b"STIXGeneral" in pdf.read_bytes()
    assert "STIX" in font_manager.findfont("STIXSizeOneSym", fallback_to_default=False)
