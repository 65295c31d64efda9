"""Losses on feature maps."""

import tensorflow as tf

from tf_imgtrans.core.seeds import ALGORITHM, as_seed_pair
from tf_imgtrans.core.tensors import as_float32, check_same_shape

MOST_POSITIONS = 65 * 65  # of a map that enter the contextual loss; the loss's own code


def perceptual(true_features, pred_features):
  """Mean squared distance of feature maps: |phi(y) - phi(G(x))|^2 / (C H W), averaged over images.

  Mux/Demux paper, Eq. 3.

  Args:
    true_features, pred_features: float [N, H, W, C], the maps of one layer.
  Returns:
    float32 scalar.
  """
  true_features, pred_features = as_float32(true_features, pred_features)
  check_same_shape(true_features, pred_features)
  return tf.reduce_mean(tf.math.squared_difference(true_features, pred_features))


def contextual(true_features, pred_features, bandwidth=0.5, epsilon=1e-5):
  """Contextual loss: -log of the mean, over target features, of the best similarity that a generated one has to it.

  Mux/Demux paper, Eq. 4-7. x_i are the features of the generated image and y_j those of the target, one per position:
    d_ij   cosine distance (1 - cos) / 2 after subtracting the target's mean over images and positions
    w_ij   exp((1 - d_ij / (min_k d_ik + epsilon)) / bandwidth)          Eq. 5
    CX_ij  w_ij / sum_k w_ik                                             Eq. 6
    CX     mean_j max_i CX_ij                                            Eq. 4
    loss   -log CX, averaged over images                                 Eq. 7
  The centring and the halved distance are those of the contextual loss's authors.

  Args:
    true_features, pred_features: float [N, H, W, C] maps; H and W may differ between the two.
    bandwidth: float > 0, h of Eq. 5.
    epsilon: float, of Eq. 5.
  Returns:
    float32 scalar, at least 0.
  """
  true_features, pred_features = as_float32(true_features, pred_features)
  center = tf.reduce_mean(true_features, axis=(0, 1, 2))
  y = tf.math.l2_normalize(_positions(true_features) - center, axis=-1)
  x = tf.math.l2_normalize(_positions(pred_features) - center, axis=-1)
  # Rounding can make 1 - cos a little negative, and the minimum of Eq. 5 must not reach -epsilon.
  distance = tf.maximum((1 - tf.matmul(x, y, transpose_b=True)) / 2, 0)  # [N, i, j]
  relative = distance / (tf.reduce_min(distance, axis=2, keepdims=True) + epsilon)
  similarity = tf.nn.softmax((1 - relative) / bandwidth, axis=2)  # Eq. 5 and 6 in one
  best = tf.reduce_mean(tf.reduce_max(similarity, axis=1), axis=1)
  return -tf.reduce_mean(tf.math.log(best))


def sample_positions(maps, seed, most=MOST_POSITIONS):
  """Keeps at most `most` positions of each map, the same ones for all: the contextual loss is quadratic in them.

  Args:
    maps: list of float [N, H, W, C] of one shape.
    seed: int or int pair [2].
    most: int.
  Returns:
    list of [N, most, 1, C], or `maps` as they are when H * W is not above `most`.
  """
  height, width = maps[0].shape[1:3]
  if height * width <= most:
    return maps
  # The order of random numbers: tf.random.experimental.stateless_shuffle does not compile with XLA.
  numbers = tf.random.stateless_uniform([height * width], as_seed_pair(seed), None, None, tf.int32, alg=ALGORITHM)
  chosen = tf.argsort(numbers, stable=True)[:most]
  return [tf.gather(_positions(features), chosen, axis=1)[:, :, None] for features in maps]


def _positions(features):
  """[N, H, W, C] -> [N, H * W, C]."""
  size = tf.shape(features)
  positions = None if None in features.shape[1:3] else features.shape[1] * features.shape[2]
  return tf.reshape(features, [size[0], positions or size[1] * size[2], features.shape[3]])
