"""Perceptual Adversarial Networks With A Feature Pyramid for Image Translation (Li, Wu, Zheng, Yu)."""

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
