"""Settings of recipes that train one network on parts of photographs; importing them is light."""

import dataclasses

from tf_imgtrans.core.config import AtLeast, Count, Factor, Positive, PositiveCount, Seed, check_weights, validate


@dataclasses.dataclass(frozen=True)
class Schedule:
  """The schedule of `practice.averaged.AveragedTrainer`."""

  batch_size: PositiveCount = 8  # parts of photographs per training step
  learning_rate: Positive = 1e-3  # learning rate of Adam at the first step; falls to 0 along a cosine
  iterations: Count = 5000  # training steps
  average_half_life: Count = 4000  # images after which a weight counts half in the average that is saved; 0: no average
  seed: Seed = 0  # random seed of weights, parts and degradations

  def __post_init__(self):
    validate(self)
    check_weights(self)


@dataclasses.dataclass(frozen=True)
class PartSettings(Schedule):
  """Parts of photographs, of many sizes in them."""

  image_size: AtLeast(32) = 96  # height and width in pixels of the parts of photographs that are trained on
  smallest_scale: Factor = 0.15  # parts are shrunk by up to this factor, so that some are like whole photographs
  flip: bool = True  # mirror half of the parts left to right
