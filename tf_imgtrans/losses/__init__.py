"""Losses: pure functions on tensors. A batch gives one float32 scalar."""

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "adversarial": ["discriminator_log_loss", "generator_log_loss", "gradient_penalty", "logits_and_gradient",
                        "non_saturating", "r1_penalty"],
        "distortion": ["color", "corresponding_point", "total_variation", "weighted_l1"],
        "feature": ["contextual", "feature_matching", "perceptual", "perceptual_l1"],
        "vgg19": ["Vgg19Features"],
    },
)
