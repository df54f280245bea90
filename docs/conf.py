"""Sphinx configuration."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from arch import __version__

project = "lockstep"
author = "the lockstep developers"
release = __version__
extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"lockstep {release}"
exclude_patterns = ["_build"]
