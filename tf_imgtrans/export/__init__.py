"""Export to SavedModel and TFLite, and the proof that the exported model gives the same image."""

import keras  # noqa: F401 - first, so that our classes are registered before any of them is asked for
from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
