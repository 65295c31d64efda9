"""The networks that the papers compare with: one folder per network."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
