"""The trainers that every check of tests/training/test_every_trainer.py passes through, with a batch for each."""

import dataclasses

import numpy as np
import recipes
import tensorflow as tf

from tf_imgtrans.data.super_resolution import shrink
from tf_imgtrans.papers.progressive_pan.schedule import stage_at
from tf_imgtrans.recipes import find_recipe


@dataclasses.dataclass(frozen=True)
class Case:
  """A trainer: the tiny preset of a recipe, with fields of it changed.

  Attributes:
    recipe: str.
    fields: dict.
    idle: regular expression of weights whose gradient is zero, but for rounding; "" for none.
  """

  recipe: str
  fields: dict = dataclasses.field(default_factory=dict)
  idle: str = ""

  def config(self, **fields):
    return find_recipe(self.recipe).preset("tiny", **{**self.fields, **fields})

  def trainer(self, precision="float32", **fields):
    trainer = find_recipe(self.recipe).make_trainer(self.config(**fields), precision)
    trainer.prepare(Data(self.batch(**fields)))
    return trainer

  def batch(self, step=0, **fields):
    """Tensors of a training step."""
    return batch(self.recipe, self.config(**fields), step)


VGG = {"vgg_weights": "random", "perceptual_layer": "block1_conv2"}
CASES = {
    "mux_demux": Case("mux_demux", {"network": "normal"}),
    "mux_demux_softmax": Case("mux_demux", {"discriminator_head": "softmax"}),
    # Here and below: a bias before a normalization is taken off again.
    "x_gans": Case("x_gans", {"discriminators": 2}, r"(stem|down\d|block\d_\d|up\d)_conv/bias|scale\d_conv[234]/bias"),
    "feature_pyramid_pan": Case("feature_pyramid_pan", {},
                                r"(down[234]|up[1234])_conv/bias|(high|low|whole)\d/conv[234]/bias"),
    "feature_pyramid_pan_sgd": Case("feature_pyramid_pan", {"discriminator_optimizer": "sgd", "upsampling": "resize"},
                                    r"(down[234]|up[1234])_conv/bias|(high|low|whole)\d/conv[234]/bias"),
    "progressive_pan": Case("progressive_pan"),
    "phone_enhancement": Case("phone_enhancement"),
    "point_reconstruction": Case("point_reconstruction"),
    "rain_removal": Case("rain_removal", {}, r"(down[234]|up[1234])_conv/bias"),
    "enlargement": Case("enlargement", {}, "_noise/strength"),  # there is no noise
    "srcnn": Case("srcnn"),
    "johnson": Case("johnson", {**VGG, "weight_perceptual": 1.0, "weight_squared_error": 0.0},
                    r"conv(\d|1[0-5])/bias"),
    "resnet_8_32": Case("resnet_8_32", {**VGG, "weight_perceptual": 10.0}, r"conv[2-5]/bias"),
    "pix2pix": Case("pix2pix"), "cnn": Case("cnn"), "context_encoder": Case("context_encoder"),
    "crn": Case("crn", {}, "/chosen"),
    "drrn": Case("drrn"),
    "esrgan": Case("esrgan"),
    # Both losses see differences of logits alone.
    "esrgan_gan": Case("esrgan", {**VGG, "stage": "gan", "weight_perceptual": 0.1}, "head/bias"),
    "carn": Case("carn", {"multi_scale": True}, r"scale\d_up"),  # a step moves the upsampler of one scale
    "carn_single": Case("carn", {"multi_scale": False}),
    # Two channels of an attention may both be below zero, and stay there.
    "rcan": Case("rcan", {}, "_squeeze/|_excite/kernel"),
    "on_demand": Case("on_demand", {}, "_conv/bias"),
    "fcn8s": Case("fcn8s", {}, "upscore8"),  # is not trained
    "fcn8s_sgd": Case("fcn8s", {"optimizer": "sgd", "learning_rate": 1e-2, "momentum": 0.5, "weight_decay": 0.1},
                      "upscore8"),
}


@dataclasses.dataclass(frozen=True)
class Data:
  """One batch in place of a folder's data, again and again."""

  batch: tuple

  @property
  def summary(self):
    return {"training": len(self.batch[0]), "validation": 2}

  def batches(self, start_step, part):
    return tf.data.Dataset.from_tensors(self.batch).repeat()

  def clean(self, most=None):
    return tuple(part[:2] for part in self.batch)


def batch(recipe, config, step=0):
  """What a training step takes: tuple of tensors, a function of the configuration and the step alone."""
  count = getattr(config, "batch_size", 8)
  if recipe == "fcn8s":
    return tuple(map(tf.constant, recipes.street_scenes(6, config.load_size, step)))
  side = getattr(config, "patch_size", None) or getattr(config, "image_size", None) or config.output_size
  target = recipes.smooth_images(count, side, side, 3, seed=step + 1)
  if recipe == "progressive_pan":  # 8 pixels for one step of 4 images, then 16 pixels for steps of 2
    stage = stage_at(config, step)
    small = target[:stage.minibatch].reshape(-1, side // 2, 2, side // 2, 2, 3).mean((2, 4))
    return tf.constant(small), tf.constant(target[:stage.minibatch] if stage.resolution == side else small)
  if recipe in ("x_gans", "point_reconstruction"):
    mask = np.float32(np.random.default_rng(step).random((count, side, side, 1)) < 0.2)
    return tuple(map(tf.constant, (np.where(mask > 0, target, np.float32(1)), mask, target)))
  if recipe == "on_demand":
    return (tf.constant(target),)
  if hasattr(config, "low_resolution"):
    return shrink(target, config.scale), tf.constant(target)
  source = np.float32(0.8 * target + 0.05)
  if getattr(config, "task", "") == "inpainting":
    source = target.copy()
    source[:, side // 4:3 * side // 4, side // 4:3 * side // 4] = 0.5
  return tf.constant(source), tf.constant(target)


def train(trainer, case, last, step=None):
  """Steps as the training loop makes them, up to `last`; the terms of each."""
  step, terms = step or trainer.train_step, []
  for number in range(int(trainer.step), last):
    terms.append(recipes.numbers(step(batch(case.recipe, trainer.config, number))))
    trainer.adapt(number + 1)
  return terms
