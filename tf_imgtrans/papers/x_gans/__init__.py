"""X-GANs: Image Reconstruction Made Easy for Extreme Cases (Liu, Chen, Li, Wang, 2018)."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["Config", "TINY"],
        "generator": ["Generator"],
        "discriminator": ["Discriminators"],
        "objective": ["discriminator_loss", "generator_loss"],
        "data": ["training_data"],
        "trainer": ["Trainer"],
    },
)
