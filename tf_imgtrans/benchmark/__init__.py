"""Benchmark: what a network costs."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "convolution": ["convolution_runner"],
        "latency": ["PairedLatency", "keras_runner", "lite_runner", "paired_latency"],
        "macs": ["count_macs"],
        "memory": ["peak_memory"],
    },
)
