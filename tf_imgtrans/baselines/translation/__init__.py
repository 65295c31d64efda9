"""Image translation before the feature pyramid: pix2pix, its L1 network, the context encoder, CRN and DRRN."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "config": ["CONFIGS", "PRESETS", "TINY", "Config"],
        "unet_gan": ["Discriminator", "Unet"],
        "context_encoder": ["CentreDiscriminator", "ContextEncoder"],
        "crn": ["Crn"],
        "drrn": ["Drrn"],
        "trainer": ["Trainer"],
    },
)
