"""Data: folders, pairs, degradations, corruptions and seeded tf.data pipelines."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__, submodules=["blur", "corruptions", "degradations", "edges", "embedded", "folders", "labels", "pairs",
                          "pipeline", "resizing", "shards", "store", "weather"])
