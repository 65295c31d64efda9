"""Training of the shipped network of the feature-pyramid paper: losses on pixels and structure; averaged weights."""

from tf_imgtrans.papers.feature_pyramid_pan.config import Config as NetworkConfig
from tf_imgtrans.papers.feature_pyramid_pan.generator import Generator
from tf_imgtrans.practice.averaged import AveragedTrainer, distortion
from tf_imgtrans.practice.rain_removal.recipe import Config


class Trainer(AveragedTrainer):
  """A generator of the feature-pyramid paper and its average; batches are (source, target), float32 in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    fields = {name: getattr(config, name) for name in Generator.architecture if hasattr(config, name)}
    network = NetworkConfig(levels=1, low_levels=(1,), **fields)  # which shape nothing, but must go with the size
    super().__init__(config, lambda name: Generator(network, dtype=precision, name=name), precision)

  def losses(self, target, fake):
    return distortion(self.config, target, fake)
