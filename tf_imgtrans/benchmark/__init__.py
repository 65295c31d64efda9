"""Benchmark: what a network costs."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "latency": ["PairedLatency", "keras_runner", "paired_latency"],
        "macs": ["count_macs"],
    },
)
