"""Perceptual Image Super-Resolution with Progressive Adversarial Network (Wong, Zhao, Wan, Zhang, 2020)."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["Config", "TINY"],
        "generator": ["Generator"],
        "discriminator": ["Discriminator"],
        "objective": ["discriminator_loss", "generator_loss"],
        "schedule": ["phase_at"],
        "data": ["training_data"],
        "trainer": ["Trainer"],
    },
)
