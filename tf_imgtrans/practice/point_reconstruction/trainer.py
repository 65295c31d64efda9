"""Training of the shipped X-GANs network: losses on pixels and structure; averaged weights."""

from tf_imgtrans.papers.x_gans.config import Config as NetworkConfig
from tf_imgtrans.papers.x_gans.generator import Generator
from tf_imgtrans.practice.averaged import AveragedTrainer, distortion
from tf_imgtrans.practice.point_reconstruction.recipe import Config


class Trainer(AveragedTrainer):
  """An X-GANs generator and its average; batches are (source, mask, target), float32, of which the mask does not count.

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    network = NetworkConfig(**{name: getattr(config, name) for name in Generator.architecture})
    super().__init__(config, lambda name: Generator(network, dtype=precision, name=name), precision)

  def losses(self, target, fake):
    return distortion(self.config, target, fake)
