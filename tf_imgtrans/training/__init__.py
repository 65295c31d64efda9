"""Training: steps, state, checkpoints, logs and strategies, shared by the papers' trainers."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
