"""The generator of Sec. 4.1 and Fig. 2: a U-Net up to the size of the input, and a growing decoder above it."""

import keras
import tensorflow as tf

from tf_imgtrans.core.config import from_dict
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.networks import ConfiguredModel, variables_of
from tf_imgtrans.core.pyramid import double, halve
from tf_imgtrans.core.shapes import check_images, crop_like, pad_to_multiple
from tf_imgtrans.layers.equalized_convolution import EqualizedConv2D
from tf_imgtrans.layers.noise import NOISE_MODES
from tf_imgtrans.layers.noise_injection import NoiseInjection
from tf_imgtrans.layers.pixel_normalization import PixelNormalization
from tf_imgtrans.papers.progressive_pan.blocks import leaky, lerp
from tf_imgtrans.papers.progressive_pan.config import BOTTLENECK, Config
from tf_imgtrans.papers.progressive_pan.schedule import doublings


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="ProgressivePanGenerator")
class Generator(ConfiguredModel):
  """Super-resolves images: float32 [N, H, W, 3] in [0, 1] -> float32 [N, sH, sW, 3], s being output_size / input_size.

  Maps of SxS pixels have min(16384 / S, 512) channels. Every convolution has an equalized learning rate, and LeakyReLU 0.2
  after it. The encoder begins at the size of the input with a 1x1 convolution, fromRGB, and goes down to 4x4; at each size
  a 3x3 convolution and one that halves. The decoder begins there with a 3x3 convolution and goes up to the size of the
  output; at each size a convolution that doubles, then the encoder's map of this size beside it (up to the input's size),
  and a 3x3 convolution. In the decoder, each is followed by noise (Eq. 5), LeakyReLU and pixel normalization. A 1x1
  convolution without LeakyReLU, toRGB, makes the image. 43,082,024 parameters at full depth.

  There is a toRGB for every size of the training, and a fromRGB for those up to the input's: see `call`. Values are
  clipped at inference. All is convolution, so that images of any size may be given; what another size than that of the
  training becomes, nothing promises.

  Args:
    config: Config; the fields of `architecture` count here.
  """

  config_class = Config
  architecture = ("input_size", "output_size", "start_size", "progressive", "skips", "channel_base", "channels_max", "blur",
                  "noise", "noise_sizes", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.scale = config.scale
    self.multiple = config.input_size // BOTTLENECK
    self._noise = config.noise
    policy, drawn = self.dtype_policy, iter(range(1000 * config.seed, 1000 * config.seed + 1000))

    def convolution(name, filters, policy=policy, **options):
      return EqualizedConv2D(filters, blur=config.blur, seed=next(drawn) % 2 ** 30, name=name, dtype=policy, **options)

    inner = doublings(2 * BOTTLENECK, config.input_size)
    outer = doublings(2 * BOTTLENECK, config.output_size)
    kept = inner if config.skips is None else inner[:config.skips]
    # Sizes are text here, as a file's graph takes nothing else for the key of a layer.
    self.from_rgb = {str(size): convolution(f"from_rgb_{size}", config.channels(size), kernel_size=1)
                     for size in sorted({min(size, config.input_size) for size in config.sizes})}
    self.down = {str(size): (convolution(f"down{size}_conv", config.channels(size)),
                             convolution(f"down{size}_halve", config.channels(size // 2), resampling="down"))
                 for size in inner}
    self.bottom = convolution("bottom_conv", config.channels(BOTTLENECK))
    self.up = {str(size): (convolution(f"up{size}_double", config.channels(size), resampling="up"),
                           convolution(f"up{size}_conv", config.channels(size))) for size in outer}
    self.kept = frozenset(kept)
    self.to_rgb = {str(size): convolution(f"to_rgb_{size}", 3, "float32", kernel_size=1, gain=1.0) for size in config.sizes}
    self.noises = {name: NoiseInjection(config.noise, stream, dtype=policy, name=f"{name}_noise")
                   for stream, name in enumerate(self._noisy(outer))}
    self.normalize = PixelNormalization(dtype=policy, name="normalize")

  def _noisy(self, sizes):
    """Names of the decoder's maps that get noise."""
    names = {BOTTLENECK: ["bottom"], **{size: [f"up{size}_double", f"up{size}"] for size in sizes}}
    lowest = 2 * self.config.input_size if self.config.noise_sizes == "above_input" else 0
    return [name for size, here in names.items() if size >= lowest for name in here]

  @property
  def noise(self):
    """Mode of the noise at inference: "fixed", "random" or "off"; it may be set."""
    return self._noise

  @noise.setter
  def noise(self, mode):
    if mode not in NOISE_MODES:
      raise unknown_name("noise mode", mode, NOISE_MODES)
    self._noise = mode
    for layer in self.noises.values():
      layer.noise = mode

  def get_config(self):
    config = super().get_config()
    return {**config, "config": {**config["config"], "noise": self.noise}}

  def build(self, input_shape):
    def channels(size):
      return self.config.channels(int(size))

    for layer in self.from_rgb.values():
      layer.build((None, None, None, 3))
    for size, (convolution, halving) in self.down.items():
      convolution.build((None, None, None, channels(size)))
      halving.build((None, None, None, channels(size)))
    self.bottom.build((None, None, None, channels(BOTTLENECK)))
    for size, (doubling, convolution) in self.up.items():
      doubling.build((None, None, None, channels(int(size) // 2)))
      convolution.build((None, None, None, channels(size) * (2 if int(size) in self.kept else 1)))
    for size, layer in self.to_rgb.items():
      layer.build((None, None, None, channels(size)))
    for name, layer in self.noises.items():
      layer.build((None, None, None, channels(_size(name))))

  def call(self, images, resolution=None, alpha=None, noise_seed=None, training=False):
    """Super-resolves a batch; in training at any stage of the growth.

    Args:
      images: float [N, H, W, 3] in [0, 1]; at a stage, squares of its resolution, or of input_size where that is less.
      resolution: int, of the output at a stage; None is output_size, and takes images of any size.
      alpha: float or scalar tensor, how far `resolution` is faded in (Fig. 3c): 0 gives the output of the resolution
        before, enlarged, 1 that of this one alone. None is 1.
      noise_seed: int or int pair; the same noise for the same seed, in every mode of `noise` but "off".
      training: bool; draws new noise where no seed is given, and does not clip.
    """
    check_images(images)
    resolution = resolution or self.config.output_size
    if str(resolution) not in self.to_rgb:
      raise ValueError(f"resolution is {resolution}: expected one of {', '.join(self.to_rgb)}")
    before = resolution // 2 if alpha is not None and str(resolution // 2) in self.to_rgb else None
    entry = min(resolution, self.config.input_size)
    padded = tf.cast(2 * images - 1, self.compute_dtype)
    padded = pad_to_multiple(padded, max(self.multiple * entry // self.config.input_size, 1))
    features, skips = self._encode(padded, entry, alpha if before and entry == resolution else None)
    signed = self._decode(features, skips, resolution, before, alpha, noise_seed, training)
    unit = crop_like((signed + 1) / 2, images, resolution // entry)
    return unit if training else tf.clip_by_value(unit, 0.0, 1.0)

  def _encode(self, signed, entry, alpha):
    """The map of the bottleneck, and those of every size above it; `alpha` fades the first of them in."""
    features, skips = leaky(self.from_rgb[str(entry)](signed)), {}
    for size in reversed(doublings(2 * BOTTLENECK, entry)):
      convolution, halving = self.down[str(size)]
      skips[size] = leaky(convolution(features))
      features = leaky(halving(skips[size]))
      if alpha is not None and size == entry:
        features = lerp(leaky(self.from_rgb[str(size // 2)](halve(signed))), features, alpha)
    return features, skips

  def _decode(self, features, skips, resolution, before, alpha, noise_seed, training):
    """The image in [-1, 1]; where there is a resolution `before`, its image enlarged is faded out (Fig. 3c)."""

    def finished(features, name):
      if name in self.noises:
        features = self.noises[name](features, noise_seed=noise_seed, training=training)
      return self.normalize(leaky(features))

    features, old = finished(self.bottom(features), "bottom"), None
    for size in doublings(2 * BOTTLENECK, resolution):
      if size == resolution and before:
        old = self.to_rgb[str(before)](features)
      doubling, convolution = self.up[str(size)]
      features = finished(doubling(features), f"up{size}_double")
      if size in self.kept and size in skips:
        features = tf.concat([features, skips[size]], axis=-1)
      features = finished(convolution(features), f"up{size}")
    image = self.to_rgb[str(resolution)](features)
    return image if old is None else lerp(double(old), image, alpha)

  def stage_variables(self, resolution):
    """The trainable variables that a stage uses, in the network's order: those of its sizes and of the one before."""
    entry = min(resolution, self.config.input_size)
    entries = (entry, entry // 2) if entry == resolution else (entry,)
    layers = [self.bottom, *(layer for size, layer in self.from_rgb.items() if int(size) in entries)]
    layers += [layer for size, layer in self.to_rgb.items() if int(size) in (resolution, resolution // 2)]
    layers += [layer for size, pair in self.down.items() if int(size) <= entry for layer in pair]
    layers += [layer for size, pair in self.up.items() if int(size) <= resolution for layer in pair]
    layers += [layer for name, layer in self.noises.items() if _size(name) <= resolution and self.noise != "off"]
    return variables_of(self, layers)

  def truncated(self, output_size):
    """The generator up to a smaller output, with copies of the weights: a Generator in float32.

    Raises:
      ValueError: there is no toRGB for this output, as without progress.
    """
    if str(output_size) not in self.to_rgb:
      raise ValueError(f"output_size is {output_size}: expected one of {', '.join(self.to_rgb)}")
    fields = {**self.get_config()["config"], "output_size": output_size}
    smaller = Generator(from_dict(Config, fields), name=self.name)
    smaller(keras.Input((None, None, 3)))
    weights = {_path(variable): variable.numpy() for variable in self.variables}
    smaller.set_weights([weights[_path(variable)] for variable in smaller.variables])
    return smaller

  def compute_output_spec(self, images, resolution=None, **options):  # noqa: ARG002 - as `call`
    """Shape and type of a symbolic call; a side that is known stays known where the other is not."""
    resolution = resolution or self.config.output_size
    scale = resolution // min(resolution, self.config.input_size)
    batch, *sides, channels = images.shape
    return keras.KerasTensor((batch, *(None if side is None else scale * side for side in sides), channels), "float32")


def progressive_pan(**options):
  """The generator at full depth; options are fields of Config."""
  return Generator(from_dict(Config, options), name="progressive_pan")


def _size(name):
  """The size that the name of a decoder's map says."""
  return BOTTLENECK if name == "bottom" else int(name.removeprefix("up").split("_")[0])


def _path(variable):
  return variable.path.split("/", 1)[1]
