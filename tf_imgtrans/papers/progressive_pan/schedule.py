"""The schedule of Sec. 5.1: image size, fade-in, images per step and learning rate.

Each size but the first is faded in, then trained at full strength. The phase is a function of the images seen:

  images      0 ........ stable ........ + fade ........ + stable ........ + fade ...
  size        8          16: alpha 0 -> 1   16: alpha 1     32: alpha 0 -> 1
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Stage:
  """Training at one size. Steps and images are counted from the start of the run; the last ones are excluded."""

  resolution: int  # pixels of a side
  minibatch: int  # images of a step, of all replicas together
  learning_rate: float
  fade: int  # images over which the size is faded in; 0: no fade-in
  first_image: int
  first_step: int
  last_step: int

  def faded(self, images):
    """Images of the stage over those of its fade: alpha, up to 1. A number or a float tensor."""
    return (images - self.first_image) / self.fade


@dataclasses.dataclass(frozen=True)
class Phase:
  """Size, fade-in and batch of the next step."""

  resolution: int
  alpha: float  # weight of the new resolution while it is faded in, from 0 to 1
  minibatch: int  # images of the step, of all replicas together
  learning_rate: float


def doublings(first, last):
  """Doubled sizes: first, 2 first, 4 first, ... last."""
  return tuple(first << number for number in range(int(math.log2(last // first)) + 1))


def make_stages(config):
  """The stages of a Config: tuple of Stage.

  A stage ends with the first step after which its images are seen, so it may see a few images more than scheduled.
  """
  made, step, image = [], 0, 0
  for resolution in config.sizes:
    place = int(math.log2(resolution // 8))
    minibatch = _entry(config.minibatch, place) * config.replicas
    unit = minibatch if config.unit == "iterations" else 1
    fade = config.fade * unit if made else 0
    images = fade + config.stable * unit
    if not config.progressive:
      images = _whole(config, unit)
    steps = math.ceil(images / minibatch)
    made.append(Stage(resolution, minibatch, _entry(config.learning_rate, place), fade, image, step, step + steps))
    step, image = step + steps, image + steps * minibatch
  return tuple(made)


def phase_at(config, images):
  """The Phase of the step after `images` images. A pure function, defined for any number of images."""
  stage = [stage for stage in config.stages if stage.first_image <= images][-1]
  alpha = min(stage.faded(images), 1.0) if stage.fade else 1.0
  return Phase(stage.resolution, alpha, stage.minibatch, stage.learning_rate)


def images_at(config, step):
  """Images seen in the first `step` steps; the last stage has no end here."""
  stage = stage_at(config, step)
  return stage.first_image + (step - stage.first_step) * stage.minibatch


def stage_at(config, step):
  """The Stage of the step after `step` steps; the last one after the end."""
  return [stage for stage in config.stages if stage.first_step <= step][-1]


def _entry(values, place):
  return values[min(place, len(values) - 1)]


def _whole(config, unit):
  """Images of a non-progressive training: as many as the progressive one has, or as many steps (unit iterations)."""
  sizes = len(doublings(config.start_size, config.output_size))
  return (config.stable * sizes + config.fade * (sizes - 1)) * unit
