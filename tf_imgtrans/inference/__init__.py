"""Inference: models from any kind of file, applied to arrays, and to pictures and videos on disk."""

import keras  # noqa: F401 - first, so that our classes are registered before any of them is asked for
from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "models": ["LoadedModel", "at_scale", "load_model"],
        "predict": ["AnySize", "PredictReport", "output_paths", "predict_files"],
        "receptive_field": ["Field", "FixedStatistics"],
        "tiles": ["Tiler", "predict_tiled"],
        "video": ["predict_video"],
    },
)
