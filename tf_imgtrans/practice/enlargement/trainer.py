"""Training of the shipped network of the progressive paper: losses on pixels and structure; averaged weights."""

from tf_imgtrans.papers.progressive_pan.config import Config as NetworkConfig
from tf_imgtrans.papers.progressive_pan.generator import Generator
from tf_imgtrans.practice.averaged import AveragedTrainer, distortion
from tf_imgtrans.practice.enlargement.recipe import ENCODED, Config


class Trainer(AveragedTrainer):
  """A generator of the progressive paper and its average; batches are (source, target), float32 in [0, 1].

  Args:
    config: Config.
    precision: "float32", "mixed_bfloat16" or "mixed_float16".
  """

  def __init__(self, config=Config(), precision="float32"):  # noqa: B008 - frozen
    size = ENCODED * config.scale
    network = NetworkConfig(input_size=ENCODED, output_size=size, start_size=ENCODED, progressive=False, noise="off",
                            channel_base=config.channel_base, channels_max=config.channels_max, seed=config.seed)
    super().__init__(config, lambda name: Generator(network, dtype=precision, name=name), precision)

  def losses(self, target, fake):
    return distortion(self.config, target, fake)
