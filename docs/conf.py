"""Sphinx configuration of the documentation site, which `./scripts/docs` builds from the folder that `sitegen` writes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sitegen.repository import version

project = "aevb"
author = "The aevb maintainers"
copyright = "the aevb maintainers, MIT licence"
release = version = version()

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sitegen.plain_docstrings",
    "sitegen.breaks",
    "sitegen.mathml",
    "sitegen.navigation",
    "sitegen.python_names",
]
language = "en"
exclude_patterns = ["files"]
highlight_language = "text"  # indented blocks are mostly commands with comments

# Markdown
myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 4

# Notebooks are executed when the site is built; a notebook that has not changed is taken from the cache.
nb_execution_mode = "cache"
nb_execution_timeout = 240
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_ipywidgets_js = {}  # the default loads scripts from another site

# Python API
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# HTML
html_theme = "furo"
html_title = f"aevb {release}"
html_math_renderer = "mathml"  # native in browsers: no script, no font, no request
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
