"""Every discriminator, and the segmenter: inputs, seeds, gradients, half precision, files."""

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from network_cases import JUDGES, drawn_once

from tf_imgtrans.core.config import differences

every = pytest.mark.parametrize("case", JUDGES)
PAIRS = [name for name, judge in JUDGES.items() if judge.inputs == 2]
SMALLEST = [name for name, judge in JUDGES.items() if judge.smallest]


_made = drawn_once(JUDGES)


@pytest.fixture(scope="module")
def drawn():
  """A network by its case, with random weights."""
  yield lambda case: _made(case)[0]
  _made.cache_clear()


def _outputs(network, *images, **options):
  """Logits and feature maps, one after the other."""
  return tf.nest.flatten(network(*images, **options))


def _zeros(case, shape, dtype="f"):
  return [np.zeros(shape, dtype)] * JUDGES[case].inputs


# Inputs --------------------------------------------------------------------------------------------------------------

@every
def test_outputs(drawn, case):
  outputs = _outputs(drawn(case), *JUDGES[case].images(3))
  assert all(output.shape[0] == 3 and np.isfinite(output).all() and np.std(output) > 0 for output in outputs)
  symbolic = _outputs(drawn(case), *(keras.Input((JUDGES[case].side, JUDGES[case].side, 3)),) * JUDGES[case].inputs)
  assert [(one.shape[1:], one.dtype) for one in symbolic] == [(one.shape[1:], one.dtype.name) for one in outputs]


@every
def test_wrong_images_are_refused(drawn, case):
  judge, good = JUDGES[case], JUDGES[case].images()
  for index in range(judge.inputs):
    if index == 0 and judge.inputs == 2 and not judge.first_counts:
      continue
    what = "source" if index == 0 and judge.inputs == 2 else "images"
    for wrong in (good[index][..., :1], good[index][0]):
      with pytest.raises(ValueError, match=rf"{what} have shape .*expected \[N, height, width, 3\].*add the batch axis"):
        drawn(case)(*good[:index], wrong, *good[index + 1:])
    with pytest.raises(ValueError, match=f"{what} have dtype uint8: .*divide by 255"):
      drawn(case)(*good[:index], np.zeros(good[index].shape, "uint8"), *good[index + 1:])


@pytest.mark.parametrize("case", [name for name in PAIRS if JUDGES[name].first_counts])
def test_pairs_have_one_shape(drawn, case):
  source, images = JUDGES[case].images()
  for other in (source[:1], source[:, :-1]):
    with pytest.raises(ValueError, match="shapes differ"):
      drawn(case)(other, images)


@pytest.mark.parametrize("case", SMALLEST)
def test_smaller_images_are_refused(drawn, case):
  judge = JUDGES[case]
  low = judge.smallest
  assert all(np.isfinite(one).all() for one in _outputs(drawn(case), *_zeros(case, (1, low, judge.side, 3))))
  for shape, name in (((1, low - 1, 70, 3), "height"), ((1, 70, low - 1, 3), "width")):
    with pytest.raises(ValueError, match=f"{name} is {low - 1}: the .*discriminator.* needs at least {low} pixels; "):
      drawn(case)(*_zeros(case, shape))


@pytest.mark.parametrize("case", [name for name, judge in JUDGES.items() if judge.sized])
def test_other_sizes_are_refused(drawn, case):
  side = JUDGES[case].side
  for height, width in ((2 * side, side), (side, side - 1)):
    with pytest.raises(ValueError, match=f"images are {height} high and {width} wide: expected {side} and {side}"):
      drawn(case)(np.zeros((1, height, width, 3), "f"))


@every
def test_unknown_sizes_change_nothing(drawn, case):
  judge, images = JUDGES[case], JUDGES[case].images()
  sides = (judge.side, judge.side) if judge.sized or case in ("progressive_pan", "context_encoder") else (None, None)
  run = tf.function(lambda *images: drawn(case)(*images), input_signature=[tf.TensorSpec((None, *sides, 3))] * judge.inputs)
  for one, other in zip(tf.nest.flatten(run(*images)), _outputs(drawn(case), *images), strict=True):
    np.testing.assert_allclose(one, other, atol=1e-5 * max(1, np.abs(other).max()))


@pytest.mark.parametrize("case", [name for name, judge in JUDGES.items() if judge.alone])
def test_images_are_judged_alone(drawn, case):
  images = JUDGES[case].images()
  for one, alone in zip(_outputs(drawn(case), *images), _outputs(drawn(case), *(each[1:] for each in images)), strict=True):
    np.testing.assert_allclose(one[1:], alone, atol=1e-5 * max(1, np.abs(alone).max()))


# Weights -------------------------------------------------------------------------------------------------------------

@every
def test_gradients_reach_the_images_and_every_weight(drawn, case):
  network, judge = drawn(case), JUDGES[case]
  *source, images = (tf.constant(one) for one in judge.images())
  before = network.get_weights()
  for options in ({}, {"training": True}) if judge.training else ({},):
    with tf.GradientTape() as tape:
      tape.watch(images)
      logits = [one for one in _outputs(network, *source, images, **options) if one.dtype == tf.float32]
      value = tf.add_n([tf.reduce_sum(tf.sin(one)) for one in logits])
    to_images, *gradients = tape.gradient(value, [images, *network.trainable_variables])
    assert np.isfinite(to_images).all() and np.mean(to_images != 0) > (0.2 if case == "context_encoder" else 0.9)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
      if any(part in variable.path for part in judge.unused):
        assert gradient is None, variable.path
      else:
        assert np.isfinite(gradient).all() and np.any(gradient), variable.path
  network.set_weights(before)


@every
def test_the_seed_decides_the_weights(drawn, case):
  seed, first = drawn(case).config.seed, _made(case)[1]
  same, other = (JUDGES[case].make(each).get_weights() for each in (seed, seed + 1))
  for a, b in zip(first, same, strict=True):
    recipes.assert_same(a, b)
  differing = [(a != c).mean() > 0.9 for a, c in zip(first, other) if a.ndim >= 2 and np.any(a)]
  enlargements = 3 if case.startswith("fcn8s") else 0  # which are bilinear
  assert len(differing) - sum(differing) == enlargements and sum(differing) > 3


@every
def test_no_two_layers_start_alike(drawn, case):
  """Of one discriminator, or of two."""
  kernels = [value.ravel()[:64] for variable, value in zip(drawn(case).weights, _made(case)[1], strict=True)
             if value.ndim >= 2 and value.size >= 64 and np.any(value) and "upscore" not in variable.path]
  assert np.abs(np.corrcoef(kernels) - np.eye(len(kernels))).max() < 0.6


# Half precision and files --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@every
def test_half_precision_is_near(drawn, case, policy):
  images = JUDGES[case].images()
  half = JUDGES[case].make(dtype=policy)
  for a, b in zip(_made(case)[1], half.get_weights(), strict=True):
    recipes.assert_same(a, b)
  half.set_weights(drawn(case).get_weights())
  assert {variable.dtype for variable in half.variables} == {"float32"}
  single = drawn(case)(*images)
  logits = [one for one in tf.nest.flatten(half(*images)) if one.dtype == tf.float32]
  reference = [b for a, b in zip(_outputs(half, *images), tf.nest.flatten(single)) if a.dtype == tf.float32]
  others = {one.dtype.name for one in _outputs(half, *images)} - {"float32"}
  assert logits and others <= {policy.removeprefix("mixed_")}
  for one, expected in zip(logits, reference, strict=True):
    error = np.abs(one - expected)
    assert 0 < error.mean() < JUDGES[case].near[policy == "mixed_float16"]


@every
def test_saved_and_loaded_bit_for_bit(drawn, case, tmp_path):
  network, images = drawn(case), JUDGES[case].images()
  network.save(tmp_path / "d.keras")
  loaded = keras.saving.load_model(tmp_path / "d.keras")
  assert type(loaded) is type(network) and loaded.name == network.name
  assert not set(differences(loaded.config, network.config)) & set(network.architecture)
  for saved, read in zip(network.weights, loaded.weights, strict=True):
    assert saved.path == read.path
    recipes.assert_same(saved.numpy(), read.numpy())
  for one, other in zip(_outputs(network, *images), _outputs(loaded, *images), strict=True):
    recipes.assert_same(one, other)


LOAD = """
import sys, numpy as np
import tf_imgtrans, keras
for path in sys.argv[1:]:
  model, shape = keras.saving.load_model(path), np.load(path + ".npy")
  model(*[np.full(shape[1:], 0.5, "f")] * shape[0])
"""


def test_loaded_in_a_fresh_process(tmp_path, drawn):
  paths = [tmp_path / f"{number}.keras" for number in range(len(JUDGES))]
  for path, (case, judge) in zip(paths, JUDGES.items()):
    drawn(case).save(path)
    np.save(f"{path}.npy", (judge.inputs, 1, judge.side, judge.side, 3))
  recipes.run_python(LOAD, *paths)
