"""Serving: a client of TensorFlow Serving, which needs no TensorFlow over REST."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, submod_attrs={"client": ["Client"], "errors": ["ServingError"]})
