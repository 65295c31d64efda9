"""Every generator: the contract of models, its sizes and inputs, seeds, gradients, half precision and files."""

import keras
import numpy as np
import pytest
import recipes
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from network_cases import GENERATORS, drawn_once

import tf_imgtrans as ti
from tf_imgtrans.core.config import differences
from tf_imgtrans.core.networks import float32_twin
from tf_imgtrans.training.population import batch_normalizations

SIZED = [name for name, case in GENERATORS.items() if case.fixed]
FREE = [name for name in GENERATORS if name not in SIZED]
WEIGHTY = [name for name in GENERATORS if name != "bicubic"]
every = pytest.mark.parametrize("case", GENERATORS)


_made = drawn_once(GENERATORS, seed=5)


@pytest.fixture(scope="module")
def drawn():
  """A generator by its case, with random weights."""
  yield lambda case: _made(case)[0]
  _made.cache_clear()


def _images(case, count=2, seed=3):
  side = GENERATORS[case].fixed
  return recipes.smooth_images(count, *((side, side) if side else (19, 22)), 3, seed=seed)


def _training(network, case, images, seed=1):
  """A pass in training that leaves running means as they are."""
  before = network.get_weights()
  out = network(images, training=True, **dict.fromkeys(GENERATORS[case].seeds, seed)).numpy()
  network.set_weights(before)
  return out


def test_every_generator_is_here():
  assert {case.name for case in GENERATORS.values()} == set(ti.list_generators())


# Sizes and inputs ----------------------------------------------------------------------------------------------------

@every
def test_sizes(drawn, case):
  recipes.check_generator(drawn(case), GENERATORS[case].sizes)
  assert drawn(case).scale == GENERATORS[case].scale


@pytest.mark.parametrize("case", FREE)
def test_any_size(drawn, case):
  sides = st.integers(GENERATORS[case].smallest, GENERATORS[case].smallest + 40 // GENERATORS[case].scale)

  @settings(max_examples=8)
  @given(height=sides, width=sides)
  def check(height, width):
    recipes.check_generator(drawn(case), [(height, width)], batch=1)

  check()


@pytest.mark.parametrize("case", FREE)
def test_smaller_images_are_refused(drawn, case):
  smallest = GENERATORS[case].smallest
  for name, shape in (("height", (1, smallest - 1, 40, 3)), ("width", (1, 40, smallest - 1, 3))):
    with pytest.raises(ValueError, match=f"{name} is {smallest - 1}: the generator needs at least {smallest} pixel"):
      drawn(case)(np.zeros(shape, "f"))


@pytest.mark.parametrize("case", SIZED)
def test_other_sizes_are_refused(drawn, case):
  network, side = drawn(case), GENERATORS[case].fixed
  for height, width in ((side // 2, side), (side, 2 * side), (side + 1, side), (2 * side, 2 * side)):
    words = f"images are {height} high and {width} wide: expected {side} and {side}"
    with pytest.raises(ValueError, match=words):
      network(np.zeros((1, height, width, 3), "f"))
    with pytest.raises(ValueError, match=words):
      network(keras.Input((height, width, 3)))
    with pytest.raises(ValueError, match=words):
      tf.function(network).get_concrete_function(tf.TensorSpec((None, height, width, 3)))
  with pytest.raises(ValueError, match=f"images are any high and 31 wide: expected {side} and {side}"):
    network(keras.Input((None, 31, 3)))
  run = tf.function(network, input_signature=[tf.TensorSpec((None, None, None, 3))])
  with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError), match=str(side)):
    run(np.zeros((1, 2 * side, side // 2, 3), "f"))  # as many pixels, and other sides


@every
def test_wrong_images_are_refused(drawn, case):
  _, height, width, _ = _images(case).shape
  for shape in ((height, width, 3), (1, height, width, 1), (1, height, width, 4)):
    with pytest.raises(ValueError, match=r"images have shape .*expected \[N, height, width, 3\].*add the batch axis"):
      drawn(case)(np.zeros(shape, "f"))
  for dtype in ("uint8", "int32"):
    images = np.full((1, height, width, 3), 200, dtype)
    for one in (images, tf.constant(images)):
      with pytest.raises(ValueError, match=f"images have dtype {dtype}: .*divide by 255"):
        drawn(case)(one)


@every
def test_every_floating_point_is_taken(drawn, case):
  for dtype in ("float16", "bfloat16", "float64"):
    images = tf.cast(_images(case, 1), dtype)
    np.testing.assert_allclose(drawn(case)(images), drawn(case)(tf.cast(images, tf.float32)), atol=1e-5)


@every
def test_unknown_sizes_change_nothing(drawn, case):
  network, images = drawn(case), _images(case)
  expected, (_, height, width, _) = network(images, training=False), images.shape
  for spec in ((None, None, None, 3), (2, None, width, 3), (2, height, width, 3)):
    run = tf.function(lambda x: network(x, training=False), input_signature=[tf.TensorSpec(spec)])
    out = run(images)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, atol=1e-5)
  scale = network.scale
  assert tuple(network(keras.Input((height, width, 3))).shape) == (None, scale * height, scale * width, 3)


@every
def test_neighbours_in_the_batch_change_nothing(drawn, case):
  images = _images(case)
  np.testing.assert_allclose(drawn(case)(images)[1:], drawn(case)(images[1:]), atol=1e-5)


# Training ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", [name for name, case in GENERATORS.items() if case.seeds])
def test_a_seed_decides_what_is_drawn(drawn, case):
  network, images = drawn(case), _images(case)
  once = _training(network, case, images, 3)
  recipes.assert_same(_training(network, case, images, 3), once)
  recipes.assert_same(_training(network, case, images, tf.constant([3, 0])), once)
  assert np.mean(_training(network, case, images, 4) != once) > 0.5


@pytest.mark.parametrize("case", WEIGHTY)
def test_every_weight_gets_a_gradient(drawn, case):
  network, images = drawn(case), _images(case)
  before = network.get_weights()
  for training in (False, True):
    options = dict.fromkeys(GENERATORS[case].seeds, 1) if training else {}
    with tf.GradientTape() as tape:
      value = tf.reduce_sum(tf.sin(3 * network(images, training=training, **options)))
    for variable, gradient in zip(network.trainable_variables, tape.gradient(value, network.trainable_variables)):
      if any(part in variable.path for part in GENERATORS[case].unused):
        assert gradient is None, variable.path
      else:
        assert gradient is not None and np.isfinite(gradient).all() and np.any(gradient), variable.path
  network.set_weights(before)


@pytest.mark.parametrize("case", WEIGHTY)
def test_training_moves_running_means_alone(drawn, case):
  """Of batch normalizations, by a tenth (DRRN: a thousandth) of the way to the batch's; at inference nothing moves."""
  network, images = drawn(case), _images(case)
  before, seen = network.get_weights(), {}
  network(images)
  network(images, training=False)
  for old, new in zip(before, network.get_weights()):
    recipes.assert_same(old, new)
  norms = batch_normalizations(network)
  for norm in norms:
    def call(features, norm=norm, inner=norm.call, **options):
      seen.setdefault(norm.name, features)
      return inner(features, **options)
    norm.call = call
  network(images, training=True)
  moved = {variable.path for variable, old in zip(network.weights, before) if (variable.numpy() != old).any()}
  assert moved == {variable.path for norm in norms for variable in norm.non_trainable_variables}
  old = {variable.path: values for variable, values in zip(network.weights, before)}
  share = 0.001 if case == "drrn" else 0.1
  for norm in norms:
    del norm.call
    features = np.float64(seen[norm.name])
    for variable, value in ((norm.moving_mean, features.mean((0, 1, 2))), (norm.moving_variance, features.var((0, 1, 2)))):
      expected = (1 - share) * old[variable.path] + share * value
      np.testing.assert_allclose(variable, expected, rtol=1e-3, atol=1e-5)
  network.set_weights(before)


# Weights and names ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", WEIGHTY)
def test_the_seed_decides_the_weights(drawn, case):
  same, other = (GENERATORS[case].make(seed=seed).get_weights() for seed in (5, 2 ** 31 - 1))
  for a, b, c in zip(_made(case)[1], same, other, strict=True):
    recipes.assert_same(a, b)
    if np.ptp(a) > 0:
      assert (a != c).mean() > 0.9


@pytest.mark.parametrize("case", WEIGHTY)
def test_no_two_layers_start_alike(drawn, case):
  named = zip((variable.path for variable in drawn(case).weights), _made(case)[1], strict=True)
  random = {path: value for path, value in named if np.ptp(value) > 0}
  starts = [value.ravel()[:4].tobytes() for value in random.values() if value.size >= 4]
  assert len(set(starts)) == len(starts) > 0
  # 64 independent values: 0.12 is the deviation. A transition hands channels on, like every other.
  kernels = [value.ravel()[:64] for path, value in random.items() if value.size >= 64 and "transition" not in path]
  assert len(kernels) > 2 and np.abs(np.corrcoef(kernels) - np.eye(len(kernels))).max() < 0.65


@every
def test_names_and_options(case):
  small, name = GENERATORS[case], GENERATORS[case].name
  network = small.make(seed=3)
  assert (network.name, type(network).__name__, network.scale, network.config.seed) == (name, small.kind, small.scale, 3)
  for field, value in {**small.options, **small.config}.items():
    assert getattr(network.config, field) == value
  with pytest.raises(ValueError, match="unknown configuration field 'sed': expected one of .*did you mean 'seed'"):
    ti.create_generator(name, sed=1)
  with pytest.raises(ValueError, match="seed"):
    ti.create_generator(name, seed=-1)
  if "network" in small.config:
    with pytest.raises(ValueError, match=f"network is .*, but the name '{name}' decides it"):
      ti.create_generator(name, network="drrn")


def test_unknown_generators():
  with pytest.raises(ValueError, match="unknown generator 'resnet_8_23': expected one of .*did you mean 'resnet_8_32'"):
    ti.create_generator("resnet_8_23")


# Half precision and files -----------------------------------------------------------------------------------

@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("case", WEIGHTY)
def test_half_precision_is_near(drawn, case, policy):
  single, images = drawn(case), _images(case)
  half = type(single)(single.config, dtype=policy)
  assert half(keras.Input((None, None, 3))).dtype == "float32"
  for a, b in zip(_made(case)[1], half.get_weights(), strict=True):
    recipes.assert_same(a, b)  # whose initial weights the precision does not change
  half.set_weights(single.get_weights())
  out, reference = half(images), single(images).numpy()
  assert out.dtype == "float32" and half.compute_dtype == policy.removeprefix("mixed_")
  assert {variable.dtype for variable in half.variables} <= {"float32", "int32"}
  error = np.abs(out - reference)
  mean, largest = GENERATORS[case].near[policy == "mixed_float16"]
  assert 0 < error.mean() < mean and error.max() < largest and reference.std() > 0.02
  recipes.assert_same(float32_twin(half)(images), reference)
  trained = _training(half, case, images)
  assert trained.dtype == np.float32 and np.isfinite(trained).all()


@every
def test_saved_and_loaded_bit_for_bit(drawn, case):
  network = drawn(case)
  loaded = recipes.check_serialization(network, _images(case))
  assert loaded.scale == network.scale
  assert not set(differences(loaded.config, network.config)) & set(network.architecture)
  for saved, read in zip(network.weights, loaded.weights, strict=True):
    assert saved.path == read.path
    recipes.assert_same(saved.numpy(), read.numpy())
  recipes.check_generator(loaded, GENERATORS[case].sizes[:1])
  twin = float32_twin(network)
  assert twin is network


LOAD = """
import sys, numpy as np
{imports}
for path in sys.argv[1:]:
  model = keras.saving.load_model(path + ".keras")
  np.save(path + "_out.npy", model(np.load(path + "_in.npy"), training=False))
"""


@pytest.mark.parametrize("imports, cases", [
    ("import tf_imgtrans, keras", list(GENERATORS)), ("import keras; import tf_imgtrans", ["mux_demux", "pix2pix"])])
def test_loaded_in_a_fresh_process(tmp_path, drawn, imports, cases):
  for number, case in enumerate(cases):
    drawn(case).save(tmp_path / f"{number}.keras")
    np.save(tmp_path / f"{number}_in.npy", _images(case))
  recipes.run_python(LOAD.format(imports=imports), *(tmp_path / str(number) for number in range(len(cases))))
  for number, case in enumerate(cases):
    recipes.assert_same(np.load(tmp_path / f"{number}_out.npy"), drawn(case)(_images(case), training=False))
