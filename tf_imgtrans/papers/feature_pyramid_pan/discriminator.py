"""Discriminators of Eq. 6 and 7: one pix2pix patch architecture, on the levels of the feature pyramid."""

import keras
import tensorflow as tf

from tf_imgtrans.core.keras_defaults import OwnDefaults
from tf_imgtrans.core.networks import ConfiguredModel
from tf_imgtrans.core.shapes import check_images, crop_like
from tf_imgtrans.core.tensors import as_float32, check_same_shape
from tf_imgtrans.layers.laplacian_pyramid import laplacian_pyramid, upsample
from tf_imgtrans.networks.blocks import Stages
from tf_imgtrans.networks.patch_discriminator import STRIDES, patch_logits, patch_stages
from tf_imgtrans.papers.feature_pyramid_pan.config import Config

KERNEL, PADDING = 4, 1  # pix2pix
FIRST_LOW = 10  # the first smooth track's number among the seeds: more than there are levels


@keras.saving.register_keras_serializable(package="tf_imgtrans", name="FeaturePyramidPanDiscriminators")
class Discriminators(ConfiguredModel):
  """Tell real images from translated ones, each on its part of the feature pyramid (Eq. 6 and 7).

  With the pyramid's objective there are
    "high": one for each h_k, k = 0 .. levels - 1, which sees h_k beside P_k(x), P_k of the source (Eq. 6), or h_k alone
      with `conditional=False`. Its maps are the features of Eq. 8;
    "low": one for each p_k of `low_levels` (Eq. 7), which sees p_k alone: "D_k" of both equations cannot share weights, as
      the inputs differ. With `low_images="upsampled"` it sees u(p_k), as large as p_{k-1}; p_0, which has no level
      above, stays as it is.
  With pix2pix's objective and the context encoder's there is one, "whole": on image and source, and on the image alone.
  What no weight asks for is not there. Pyramids are those of values in [-1, 1], as pix2pix's networks see them.

  The networks are equal, their weights are not. Each scores patches of 70x70 of its pixels: 4x4 kernels, padded with one
  zero, of 64, 128, 256 (stride 2), 512 and 1 (stride 1) channels; LeakyReLU 0.2 behind each but the last, and before it,
  but for the first, instance normalization without factor and offset. 2,767,809 parameters for 6 channels, 2,764,737 for
  3. The paper leaves the normalization open; pix2pix's batch normalization is the same for batches of one image. Below 24
  pixels too little would be left for the last kernels: the innermost strides of 2 become 1 (see `strides`).

  Args:
    config: Config; `image_size`, `discriminator_channels`, `levels`, `low_levels`, `low_images`, `conditional`,
      `objective`, `seed` and whether the weights are 0 count here.
  """

  config_class = Config
  architecture = ("image_size", "discriminator_channels", "levels", "low_levels", "low_images", "conditional", "objective",
                  "weight_high", "weight_low", "weight_perceptual", "weight_adversarial", "seed")

  def __init__(self, config=Config(), **kwargs):  # noqa: B008 - frozen
    super().__init__(config, **kwargs)
    self.patches = {}
    for track, seen in plan(config).items():
      first = FIRST_LOW if track == "low" else 0  # so that the seeds of one track do not depend on the other
      self.patches[track] = [
          PatchDiscriminator(size, channels, config.discriminator_channels, 1000 * config.seed + 500 + 10 * number,
                             dtype=self.dtype_policy, name=f"{track}{number - first}")
          for number, (size, channels) in enumerate(seen, first)]

  def call(self, source, images):
    """Scores a batch on every level.

    Args:
      source: float [N, H, W, 3] in [0, 1], the images to translate, H and W at least `image_size`.
      images: float [N, H, W, 3] in [0, 1], real or translated.
    Returns:
      dict of track to list over levels, the largest first, of (logits, maps): float32 [N, h, w, 1], above 0 for real, and
      the list of the four maps before them, after LeakyReLU.
    """
    check_images(images, smallest=self.config.image_size, network="discriminator",
                 advice="that is image_size, which it is made for")
    seen = views(self.config, source, images)
    return {track: [network(view) for network, view in zip(networks, seen[track])]
            for track, networks in self.patches.items()}


class PatchDiscriminator(OwnDefaults, keras.layers.Layer):
  """pix2pix's 70x70 discriminator: float [N, H, W, channels] in about [-1, 1] -> (logits, maps), as above.

  Args:
    size: int, side of the images; decides the strides.
    channels: int, of the images.
    width: int, channels of the first convolution.
    seed: int; the convolutions take this one and the next four.
  """

  def __init__(self, size, channels, width, seed, **kwargs):
    super().__init__(**kwargs)
    self.channels = channels
    stages, head = patch_stages(Stages(0, self.dtype_policy, seed + 1, normalization="plain"), width, "{1}{0}",
                                f"conv{len(STRIDES)}", strides(size))
    self.convolutions = [convolution for convolution, _ in stages]
    self.norms = [norm for _, norm in stages if norm]
    self.head = head  # after the others: checkpoints number the weights in the order in which layers are kept

  def call(self, images):
    return patch_logits(zip(self.convolutions, [None, *self.norms]), self.head, images, PADDING)


def plan(config):
  """Which discriminators a configuration has: dict of track to list of (side in pixels, channels); empty for none."""
  size = config.image_size
  if config.objective != "pyramid":
    weight, channels = (config.weight_high, 6) if config.objective == "pix2pix" else (config.weight_adversarial, 3)
    return {"whole": [(size, channels)]} if weight else {}
  tracks = {}
  if config.weight_high or config.weight_perceptual:
    tracks["high"] = [(size >> level, 6 if config.conditional else 3) for level in range(config.levels)]
  if config.weight_low and config.low_levels:
    above = 1 if config.low_images == "upsampled" else 0
    tracks["low"] = [(size >> max(level - above, 0), 3) for level in config.low_levels]
  return tracks


def views(config, source, images):
  """What each discriminator of `plan` sees.

  Args:
    config: Config.
    source, images: float [N, H, W, 3] in [0, 1].
  Returns:
    dict of track to list of float32 [N, h, w, 6 or 3]: the source, where it is seen, before the image; of values in
    [-1, 1], and of their details.
  """
  check_images(source, "source")
  check_images(images)
  source, images = (2 * values - 1 for values in as_float32(source, images))
  check_same_shape(source, images)
  tracks = plan(config)
  if "whole" in tracks:
    return {"whole": [tf.concat([source, images], axis=-1) if config.objective == "pix2pix" else images]}
  smooth, details = laplacian_pyramid(images, max([config.levels, *config.low_levels]))
  seen = {}
  if "high" in tracks:
    seen["high"] = details[:config.levels]
    if config.conditional:
      seen["high"] = [tf.concat([source[:, ::2 ** level, ::2 ** level], detail], axis=-1)  # P_k(x), d applied k times
                      for level, detail in enumerate(seen["high"])]
  if "low" in tracks:
    seen["low"] = [_low_view(config, smooth, level) for level in config.low_levels]
  return seen


def strides(size):
  """Strides of the five convolutions for images of `size` pixels: as many of pix2pix's three 2s as leave a logit.

  (2, 2, 2, 1, 1) from 24 pixels on, (2, 2, 1, 1, 1) from 16 on, and without a 2 at 8, where 3x3 logits are left. The
  kernels, and so the architecture, stay the same.
  """
  for halvings in range(STRIDES.count(2), -1, -1):
    chosen = (2,) * halvings + (1,) * (len(STRIDES) - halvings)
    side = size
    for stride in chosen:
      side = (side + 2 * PADDING - KERNEL) // stride + 1
    if side >= 1:
      return chosen
  raise ValueError(f"size is {size}: expected at least {len(STRIDES) + 1} pixels, or no logit is left")


def _low_view(config, smooth, level):
  if config.low_images == "upsampled" and level > 0:
    return crop_like(upsample(smooth[level]), smooth[level - 1])
  return smooth[level]
