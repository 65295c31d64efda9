"""On-demand learning for deep image restoration, which X-GANs is compared with."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["COMPARISON", "Config"],
        "generator": ["Generator"],
        "trainer": ["Trainer"],
    },
)
