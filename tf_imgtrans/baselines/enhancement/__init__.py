"""Photo enhancement before Mux/Demux: SRCNN, Johnson's transform net, DPED and the residual networks of the challenge."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["CONFIGS", "Config"],
        "srcnn": ["Srcnn"],
        "residual": ["ResNet"],
        "johnson": ["Johnson"],
        "trainer": ["Trainer"],
    },
)
