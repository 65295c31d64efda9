"""Trainings of the progressive paper's networks that take as much compute as each other."""

import dataclasses
import functools


def with_compute_of(config, other):
  """`other`, trained on as many images as take the multiply-accumulates of the training of `config`.

  Args:
    config, other: papers.progressive_pan.config.Config.
  """
  factor = compute(config) / compute(other)
  return dataclasses.replace(other, **{name: max(round(getattr(other, name) * factor), 1) for name in ("stable", "fade")})


@functools.cache
def compute(config):
  """Multiply-accumulates of one pass of generator and discriminator over all images of a training.

  Args:
    config: papers.progressive_pan.config.Config.
  Returns:
    int.
  """
  from tf_imgtrans.benchmark.macs import count_macs
  from tf_imgtrans.papers.progressive_pan.discriminator import Discriminator
  from tf_imgtrans.papers.progressive_pan.generator import Generator

  total = 0
  for stage in config.stages:
    size, entry = stage.resolution, min(stage.resolution, config.input_size)
    network = dataclasses.replace(config, input_size=entry, output_size=size, start_size=min(config.start_size, entry),
                                  skips=None, progressive=True)
    macs = count_macs(Generator(network), entry, entry) + count_macs(Discriminator(network), size, size)
    total += macs * (stage.last_step - stage.first_step) * stage.minibatch
  return total
