"""The schedule of Sec. 5.1: which size, how far faded in, how many images a step, and at which rate.

Each size is first faded in and then kept for a while; the first one is kept alone. All follows from the images seen:

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
  fade: int  # images over which the size is faded in; 0: it is there at once
  first_image: int
  first_step: int
  last_step: int

  def faded(self, images):
    """Images of the stage over those of its fade: alpha, where that is not above 1. A number or a float tensor."""
    return (images - self.first_image) / self.fade


@dataclasses.dataclass(frozen=True)
class Phase:
  """What the next step is like."""

  resolution: int
  alpha: float  # how far the resolution is faded in, from 0 to 1
  minibatch: int  # images of the step, of all replicas together
  learning_rate: float


def doublings(first, last):
  """first, 2 first, 4 first, ... last."""
  return tuple(first << number for number in range(int(math.log2(last // first)) + 1))


def make_stages(config):
  """The stages of a Config: tuple of Stage.

  A stage ends with the first step after which its images are seen, so that it may see a few more than the schedule says.
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
  """What the step after `images` images is like: Phase. A pure function, defined for any number of images."""
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
  """Images of a training without progress: as many as the one with progress has; in iterations, those of as many steps."""
  sizes = len(doublings(config.start_size, config.output_size))
  return (config.stable * sizes + config.fade * (sizes - 1)) * unit
