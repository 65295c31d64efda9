"""Layers: one idea per file, serialisable, export-clean."""

import keras  # noqa: F401 - first, so that our classes are registered before any of them is used
from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names are listed in __init__.pyi
