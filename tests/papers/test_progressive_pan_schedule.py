"""The schedule of Sec. 5.1 at every boundary, in both readings of its "iterations"."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tf_imgtrans.papers.progressive_pan import TINY, Config, phase_at
from tf_imgtrans.papers.progressive_pan.config import PRESETS
from tf_imgtrans.papers.progressive_pan.schedule import Phase, doublings, images_at, stage_at

# Sec. 5.1: pixels, images of a step on one GPU, learning rate. Four GPUs take StyleGAN's 256, 128, 64, 32 and 16.
PUBLISHED = ((8, 64, 0.001), (16, 32, 0.001), (32, 16, 0.001), (64, 8, 0.001), (128, 4, 0.0015), (256, 4, 0.002),
           (512, 4, 0.003), (1024, 4, 0.003))
TOTAL = {8: 256, 16: 128, 32: 64, 64: 32, 128: 16, 256: 16, 512: 16, 1024: 16}
# Images: 600,000 of 8 pixels are 2343.75 steps of 256, so 2344 with 600,064; 1,200,000 are whole steps elsewhere.
FIRST_IMAGE = (0, 600_064, 1_800_064, 3_000_064, 4_200_064, 5_400_064, 6_600_064, 7_800_064, 9_000_064)
FIRST_STEP = (0, 2_344, 11_719, 30_469, 67_969, 142_969, 217_969, 292_969, 367_969)
# Iterations: 0.6 and 1.2 million steps.
FIRST_IMAGE_BY_STEPS = (0, 153_600_000, 307_200_000, 384_000_000, 422_400_000, 441_600_000, 460_800_000, 480_000_000,
                        499_200_000)
FIRST_STEP_BY_STEPS = (0, 600_000, 1_800_000, 3_000_000, 4_200_000, 5_400_000, 6_600_000, 7_800_000, 9_000_000)

READINGS = {"images": (FIRST_IMAGE, FIRST_STEP), "iterations": (FIRST_IMAGE_BY_STEPS, FIRST_STEP_BY_STEPS)}


@pytest.mark.parametrize("unit", READINGS)
def test_stages(unit):
  config = Config(unit=unit)
  images, steps = READINGS[unit]
  assert len(config.stages) == len(PUBLISHED)
  for index, (stage, (size, of_a_gpu, rate)) in enumerate(zip(config.stages, PUBLISHED)):
    assert (stage.resolution, stage.minibatch, stage.learning_rate) == (size, 4 * of_a_gpu, rate)
    assert stage.minibatch == TOTAL[size]
    assert (stage.first_image, stage.first_step, stage.last_step) == (images[index], steps[index], steps[index + 1])
    assert images[index + 1] - images[index] == (steps[index + 1] - steps[index]) * TOTAL[size]
  assert config.iterations == steps[-1] and config.images_at(config.iterations) == images[-1]


@pytest.mark.parametrize("unit", READINGS)
def test_phases_at_every_boundary(unit):
  config, firsts = Config(unit=unit), READINGS[unit][0]
  for index, (size, of_a_gpu, rate) in enumerate(PUBLISHED):
    first, fade = firsts[index], 600_000 * (4 * of_a_gpu if unit == "iterations" else 1)

    def check(images, alpha, size=size, of_a_gpu=of_a_gpu, rate=rate):
      assert phase_at(config, images) == Phase(size, alpha, 4 * of_a_gpu, rate), images

    if index == 0:  # nothing to fade from
      for images in (0, 1, 300_000, firsts[1] - 1):
        check(images, 1.0)
      continue
    before, of_a_gpu_before, rate_before = PUBLISHED[index - 1]
    check(first - 1, 1.0, before, of_a_gpu_before, rate_before)
    check(first, 0.0)
    check(first + 1, 1 / fade)
    check(first + fade // 2, 0.5)
    check(first + fade - 1, (fade - 1) / fade)
    for images in (first + fade, first + fade + 1, first + 2 * fade - 1):
      check(images, 1.0)
  check(firsts[-1], 1.0)  # after the end, the last size goes on
  check(10 * firsts[-1], 1.0)


def test_nine_million_images():
  """0.6 + 7 * 1.2 million; 5 days on four P40 are 20.8 images a second."""
  config = Config()
  assert abs(config.images_at(config.iterations) - 9.0e6) < 256
  assert round(config.images_at(config.iterations) / (5 * 86400), 1) == 20.8


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_minibatch_counts_once_for_each_replica(replicas):
  config = Config(replicas=replicas)
  assert [stage.minibatch for stage in config.stages] == [replicas * of_a_gpu for _, of_a_gpu, _ in PUBLISHED]
  # The schedule in images is the same, but for the images of less than a step.
  for stage, first in zip(config.stages, FIRST_IMAGE):
    assert abs(stage.first_image - first) <= 64


def test_places_count_from_eight_pixels_wherever_training_starts():
  config = Config(start_size=64, output_size=256)
  assert [(stage.resolution, stage.minibatch, stage.learning_rate) for stage in config.stages] == [
      (64, 32, 0.001), (128, 16, 0.0015), (256, 16, 0.002)]
  assert [stage.fade for stage in config.stages] == [0, 600_000, 600_000]


def test_without_fading_and_without_growth():
  config = Config(fade=0)
  assert all(phase_at(config, images).alpha == 1.0 for images in range(0, 5_000_000, 100_003))
  # 8 * 600,000, and half a step each of 8 and of 16 pixels, where the last one is not whole
  assert sum(stage.minibatch * (stage.last_step - stage.first_step) for stage in config.stages) == 4_800_000 + 64 + 64
  config = Config(input_size=8, output_size=8)
  assert len(config.stages) == 1 and phase_at(config, 0) == Phase(8, 1.0, 256, 0.001)


@pytest.mark.parametrize("preset", [*PRESETS, "tiny"])
def test_without_progress_as_many_images_are_seen(preset):
  config = {**PRESETS, "tiny": TINY}[preset]
  whole = dataclasses.replace(config, progressive=False)
  stage, = whole.stages
  last = config.stages[-1]
  assert (stage.resolution, stage.minibatch, stage.learning_rate) == (last.resolution, last.minibatch, last.learning_rate)
  assert (stage.fade, stage.first_image, stage.first_step) == (0, 0, 0)
  seen, expected = whole.images_at(whole.iterations), config.images_at(config.iterations)
  assert abs(seen - expected) < sum(one.minibatch for one in config.stages)  # each stage ends with a whole step
  assert phase_at(whole, 0) == phase_at(whole, seen) == Phase(config.output_size, 1.0, last.minibatch, last.learning_rate)


def test_without_progress_as_many_iterations_in_the_other_reading():
  assert Config(unit="iterations", progressive=False).iterations == Config(unit="iterations").iterations == 9_000_000


def _walked(config):
  """The phases of all steps of a training, by walking through it one step after the other."""
  phases, images, first = [], 0, 0
  for index, size in enumerate(config.sizes):
    place = [8, 16, 32, 64, 128, 256, 512, 1024].index(size)
    minibatch = config.minibatch[min(place, len(config.minibatch) - 1)] * config.replicas
    rate = config.learning_rate[min(place, len(config.learning_rate) - 1)]
    first, steps, fade = images, 0, config.fade if index else 0
    while (steps if config.unit == "iterations" else images - first) < fade + config.stable:
      done = steps if config.unit == "iterations" else images - first
      phases.append((images, Phase(size, min(done / fade, 1.0) if fade else 1.0, minibatch, rate)))
      images, steps = images + minibatch, steps + 1
  return phases


@pytest.mark.parametrize("unit", READINGS)
@pytest.mark.parametrize("fields", [{}, {"output_size": 64, "minibatch": (5, 3, 2), "stable": 11, "fade": 7, "replicas": 2},
                                    {"fade": 0}])
def test_equals_a_walk_through_the_training(unit, fields):
  config = dataclasses.replace(TINY, unit=unit, **fields)
  walked = _walked(config)
  assert config.iterations == len(walked) >= 3
  for step, (images, phase) in enumerate(walked):
    assert config.images_at(step) == images_at(config, step) == images
    assert phase_at(config, images) == phase


@given(step=st.integers(0, 400_000), unit=st.sampled_from(["images", "iterations"]), progressive=st.booleans())
def test_steps_images_stages_and_phases_agree(step, unit, progressive):
  config = Config(unit=unit, progressive=progressive)
  stage, images = stage_at(config, step), images_at(config, step)
  phase, after = phase_at(config, images), phase_at(config, images_at(config, step + 1))
  assert stage.first_step <= step and (step < stage.last_step or stage is config.stages[-1])
  for name in ("resolution", "minibatch", "learning_rate"):
    assert getattr(phase, name) == getattr(stage, name), name
  assert images_at(config, step + 1) - images == phase.minibatch
  assert 0 <= phase.alpha <= 1
  assert (after.resolution, after.alpha) >= (phase.resolution, phase.alpha)  # it grows alone


def test_doublings():
  assert doublings(8, 64) == (8, 16, 32, 64) and doublings(8, 8) == (8,)
