"""Inference: models from any kind of file, applied to arrays, and to images and videos on disk."""

import keras  # noqa: F401 - first, so that our classes are registered before any of them is asked for
from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
