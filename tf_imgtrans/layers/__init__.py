"""Layers: one idea per file, serialisable, export-clean."""

import keras  # noqa: F401 - first, so that our classes are registered before any of them is asked for
from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "mux": ["Demux", "Mux"],
        "noise_channels": ["NoiseChannels"],
        "instance_normalization": ["InstanceNormalization"],
        "dense_block": ["DenseBlock"],
        "dropout": ["drop_out"],
        "equalized_convolution": ["EqualizedConv2D"],
        "laplacian_pyramid": ["LaplacianPyramid"],
        "minibatch_stddev": ["MinibatchStddev"],
        "noise_injection": ["NoiseInjection"],
        "pixel_normalization": ["PixelNormalization"],
    },
)
