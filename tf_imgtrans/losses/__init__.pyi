from .adversarial import (
    discriminator_log_loss as discriminator_log_loss,
)
from .adversarial import (
    generator_log_loss as generator_log_loss,
)
from .adversarial import (
    gradient_penalty as gradient_penalty,
)
from .adversarial import (
    logits_and_gradient as logits_and_gradient,
)
from .adversarial import (
    non_saturating as non_saturating,
)
from .adversarial import (
    r1_penalty as r1_penalty,
)
from .adversarial import (
    real_fake_scores as real_fake_scores,
)
from .distortion import (
    color as color,
)
from .distortion import (
    corresponding_point as corresponding_point,
)
from .distortion import (
    l1 as l1,
)
from .distortion import (
    squared_error as squared_error,
)
from .distortion import (
    total_variation as total_variation,
)
from .distortion import (
    weighted_l1 as weighted_l1,
)
from .feature import (
    contextual as contextual,
)
from .feature import (
    feature_matching as feature_matching,
)
from .feature import (
    perceptual as perceptual,
)
from .feature import (
    perceptual_l1 as perceptual_l1,
)
from .vgg19 import Vgg19Features as Vgg19Features
