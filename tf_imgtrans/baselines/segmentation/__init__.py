"""FCN-8s, which names the classes of generated photographs: the FCN score of labels-to-photo translation."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
