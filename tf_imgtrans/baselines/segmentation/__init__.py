"""FCN-8s, which names the classes of generated photographs: the FCN score of labels-to-photo translation."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["PRESETS", "Config"],
        "network": ["Segmenter"],
        "score": ["fcn_scores", "load_segmenter"],
        "trainer": ["Trainer"],
    },
)
