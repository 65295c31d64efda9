"""What every layer keeps: its configuration, its output in graphs of unknown sizes, and its types in half precision."""

import numpy as np
import pytest
import recipes
import tensorflow as tf

from tf_imgtrans.layers import (
    Demux,
    DenseBlock,
    EqualizedConv2D,
    InstanceNormalization,
    MinibatchStddev,
    Mux,
    NoiseChannels,
    NoiseInjection,
    PixelNormalization,
)

# A layer's class, its options, and further attributes that it has then: the defaults.
CASES = [
    (DenseBlock, {"layers": 2, "growth": 4, "channels": 5, "activate": False, "seed": 9}, {}),
    (DenseBlock, {"layers": 1, "growth": 2, "channels": 3, "hand_on": ((0, 2), (1, 0)), "gain": 1.5, "offset": -0.5}, {}),
    (EqualizedConv2D, {"filters": 4, "kernel_size": 5, "gain": 1.5, "resampling": "up", "blur": False, "use_bias": False,
                       "seed": 7}, {"padding": "same"}),
    (EqualizedConv2D, {"filters": 4, "padding": "valid"}, {"kernel_size": 3, "blur": True, "use_bias": True}),
    (EqualizedConv2D, {"filters": 4, "resampling": "down"}, {"gain": 2 ** 0.5}),
    (EqualizedConv2D, {"filters": 5}, {"resampling": "none"}),
    (InstanceNormalization, {}, {"epsilon": 1e-3, "center": True, "scale": True}),
    (InstanceNormalization, {"epsilon": 1e-5, "center": False, "scale": False}, {}),
    (MinibatchStddev, {"group": 2}, {}),
    (MinibatchStddev, {}, {"group": 4}),
    (Demux, {"name": "down"}, {}),
    (Mux, {"name": "up"}, {}),
    (NoiseChannels, {"channels": 2, "noise": "fixed", "stream": 3}, {}),
    (NoiseChannels, {"channels": 5, "noise": "off"}, {}),
    (NoiseInjection, {"noise": "fixed", "stream": 3}, {}),
    (NoiseInjection, {"noise": "off"}, {"stream": 0}),
    (NoiseInjection, {}, {"noise": "fixed"}),
    (PixelNormalization, {"epsilon": 0.25}, {}),
    (PixelNormalization, {}, {"epsilon": 1e-8}),
]
CHANNELS = 4
MAPS = np.random.default_rng(0).normal(size=(4, 6, 8, CHANNELS)).astype(np.float32)
EVERY = pytest.mark.parametrize("kind, options, others", CASES, ids=lambda value: getattr(value, "__name__", None))


def _layer(kind, options, **more):
  """Built, with biases, offsets and strengths that are not zero."""
  layer = kind(**options, **more)
  layer.build(MAPS.shape)
  rng = np.random.default_rng(1)
  for weight in layer.weights:
    if len(weight.shape) == 1:
      weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
  return layer


@EVERY
def test_config(kind, options, others):
  recipes.check_layer_config(_layer(kind, options), MAPS, **options, **others)


@EVERY
def test_unknown_sizes_change_nothing(kind, options, others):
  layer = _layer(kind, options)
  run = tf.function(layer, input_signature=[tf.TensorSpec((None, None, None, CHANNELS))])
  expected = layer(MAPS)
  assert run.get_concrete_function().output_shapes[-1] == expected.shape[-1]
  assert layer.compute_output_shape(MAPS.shape) == expected.shape
  np.testing.assert_allclose(run(MAPS), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@EVERY
def test_half_precision_is_near_and_keeps_float32_weights(kind, options, others, policy):
  layer = _layer(kind, options, dtype=policy)
  out, expected = layer(MAPS), _layer(kind, options)(MAPS)
  assert layer.compute_dtype == policy.removeprefix("mixed_") and {weight.dtype for weight in layer.weights} <= {"float32"}
  if kind in (Demux, Mux):  # which move values of any type and change none
    recipes.assert_same(out, expected)
  else:
    assert out.dtype == layer.compute_dtype
    difference = np.abs(tf.cast(out, tf.float32) - expected)
    assert 0 < difference.mean() < (2e-3 if policy == "mixed_float16" else 2e-2)
