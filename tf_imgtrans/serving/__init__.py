"""Serving: a client of TensorFlow Serving, which needs no TensorFlow over REST."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names are listed in __init__.pyi
