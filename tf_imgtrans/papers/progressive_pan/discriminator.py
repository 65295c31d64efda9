"""The discriminator of Fig. 2 and 3: it sees images alone, and grows with them."""

import keras
import tensorflow as tf

from tf_imgtrans.core.networks import ConfiguredModel, variables_of
from tf_imgtrans.core.pyramid import halve
from tf_imgtrans.core.shapes import check_images
from tf_imgtrans.layers.equalized_convolution import EqualizedConv2D
from tf_imgtrans.layers.minibatch_stddev import MinibatchStddev
from tf_imgtrans.papers.progressive_pan.blocks import leaky, lerp
from tf_imgtrans.papers.progressive_pan.config import BOTTLENECK, Config
from tf_imgtrans.papers.progressive_pan.schedule import doublings


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="ProgressivePanDiscriminator")
class Discriminator(ConfiguredModel):
  """Tells real images from super-resolved ones: float32 [N, S, S, 3] in [0, 1] -> logits, float32 [N, 1].

  The generator's encoder, from the size of the output on: fromRGB, and at each size a 3x3 convolution and one that halves,
  each with LeakyReLU 0.2. At 4x4, one channel of the deviation over the images of a group, a 3x3 convolution, one of 4x4
  pixels to as many numbers as the map has channels, and the logit, which means real above 0. 23,085,201 parameters at full
  depth.

  Args:
    config: Config; the fields of `architecture` count here.
  """

  config_class = Config
  architecture = ("input_size", "output_size", "start_size", "progressive", "channel_base", "channels_max", "blur", "group",
                  "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    policy, drawn = self.dtype_policy, iter(range(1000 * config.seed + 500, 1000 * config.seed + 1000))

    def convolution(name, filters, policy=policy, **options):
      return EqualizedConv2D(filters, blur=config.blur, seed=next(drawn) % 2 ** 30, name=name, dtype=policy, **options)

    width = config.channels(BOTTLENECK)
    # Sizes are text here, as in the generator.
    self.from_rgb = {str(size): convolution(f"from_rgb_{size}", config.channels(size), kernel_size=1)
                     for size in config.sizes}
    self.down = {str(size): (convolution(f"down{size}_conv", config.channels(size)),
                             convolution(f"down{size}_halve", config.channels(size // 2), resampling="down"))
                 for size in doublings(2 * BOTTLENECK, config.output_size)}
    self.deviation = MinibatchStddev(config.group, dtype=policy, name="deviation")
    self.bottom = convolution("bottom_conv", width)
    self.dense = convolution("bottom_dense", width, kernel_size=BOTTLENECK, padding="valid")
    self.head = convolution("logit", 1, policy="float32", kernel_size=1, gain=1.0)

  def build(self, input_shape):
    channels = self.config.channels
    for layer in self.from_rgb.values():
      layer.build((None, None, None, 3))
    for size, pair in self.down.items():
      for layer in pair:
        layer.build((None, None, None, channels(int(size))))
    self.bottom.build((None, None, None, channels(BOTTLENECK) + 1))
    for layer in (self.dense, self.head):
      layer.build((None, None, None, channels(BOTTLENECK)))

  def call(self, images, alpha=None):
    """Scores a batch.

    Args:
      images: float [N, S, S, 3] in [0, 1], S being a size of the training.
      alpha: float or scalar tensor, how far size S is faded in (Fig. 3d): 0 scores the images at half the size. None is 1.
    Raises:
      ValueError: images of another size.
    """
    check_images(images)
    size = images.shape[1]
    if str(size) not in self.from_rgb or images.shape[2] != size:
      raise ValueError(f"images are {images.shape[1]} high and {images.shape[2]} wide: expected squares of "
                       f"{', '.join(self.from_rgb)} pixels")
    signed = tf.cast(2 * images - 1, self.compute_dtype)
    features = leaky(self.from_rgb[str(size)](signed))
    for here in reversed(doublings(2 * BOTTLENECK, size)):
      for layer in self.down[str(here)]:
        features = leaky(layer(features))
      if here == size and alpha is not None and str(size // 2) in self.from_rgb:
        features = lerp(leaky(self.from_rgb[str(size // 2)](halve(signed))), features, alpha)
    features = leaky(self.bottom(self.deviation(features)))
    return self.head(leaky(self.dense(features)))[:, 0, 0, :]

  def stage_variables(self, resolution):
    """The trainable variables that a stage uses, in the network's order: those of its sizes and of the one before."""
    layers = [self.bottom, self.dense, self.head]
    layers += [layer for size, layer in self.from_rgb.items() if int(size) in (resolution, resolution // 2)]
    layers += [layer for size, pair in self.down.items() if int(size) <= resolution for layer in pair]
    return variables_of(self, layers)
