"""Super-resolution that the progressive paper compares itself with: bicubic interpolation, ESRGAN, CARN and RCAN."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["CONFIGS", "GAN_CONFIGS", "PRESETS", "TINY", "Config"],
        "bicubic": ["Bicubic"],
        "esrgan": ["Esrgan"],
        "carn": ["Carn"],
        "rcan": ["Rcan"],
        "discriminator": ["Discriminator"],
        "trainer": ["Trainer"],
    },
)
