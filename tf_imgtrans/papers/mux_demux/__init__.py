"""Deep Networks for Image-to-Image Translation with Mux and Demux Layers (Liu, Navarrete Michelini, Zhu, 2018)."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["Config", "TINY"],
        "generator": ["Generator"],
        "discriminator": ["Discriminator"],
        "objective": ["discriminator_loss", "generator_loss"],
        "data": ["training_data"],
        "trainer": ["Trainer"],
    },
)
