"""The papers, one room each, with the same seven names in every room."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, submodules=["feature_pyramid_pan", "mux_demux", "x_gans"])
