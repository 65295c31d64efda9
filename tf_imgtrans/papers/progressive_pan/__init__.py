"""Perceptual Image Super-Resolution with Progressive Adversarial Network (Wong, Zhao, Wan, Zhang, 2020)."""

from lazy_loader import attach_stub as _attach_stub

__getattr__, __dir__, __all__ = _attach_stub(__name__, __file__)  # the names stand in __init__.pyi
