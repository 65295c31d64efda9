"""Data: folders, pairs, degradations and seeded tf.data pipelines."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__, submodules=["degradations", "embedded", "folders", "pairs", "pipeline", "store"])
