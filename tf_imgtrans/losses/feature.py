"""Losses on feature maps."""

import tensorflow as tf

from tf_imgtrans.core.seeds import ALGORITHM, as_seed_pair
from tf_imgtrans.core.tensors import as_float32, check_same_shape
from tf_imgtrans.losses.distortion import l1

MOST_POSITIONS = 65 * 65  # largest number of positions of a feature map in the contextual loss; its authors' code


def perceptual(true_features, pred_features):
  """Mean squared distance of feature maps: |phi(y) - phi(G(x))|^2 / (C H W), averaged over images.

  Mux/Demux paper, Eq. 3.

  Args:
    true_features, pred_features: float [N, H, W, C], the feature maps of one layer.
  Returns:
    float32 scalar.
  """
  true_features, pred_features = as_float32(true_features, pred_features)
  check_same_shape(true_features, pred_features)
  return tf.reduce_mean(tf.math.squared_difference(true_features, pred_features))


def feature_matching(true_features, pred_features):
  """Feature matching: |D^i(s, x) - D^i(s, G(s))|_1 / N_i, summed over feature maps and discriminators.

  X-GANs paper, Eq. 3, and its sum over k of Eq. 4; averaged over images. No gradient flows into the true features, which
  are the target.

  Args:
    true_features, pred_features: lists of float [N, H, W, C] maps, or one such list for each discriminator.
  Returns:
    float32 scalar.
  """
  pairs = _map_pairs(tf.nest.flatten(true_features), tf.nest.flatten(pred_features))
  return tf.add_n([l1(tf.stop_gradient(true), pred) for true, pred in pairs])


def perceptual_l1(true_features, pred_features, weights):
  """Weighted L1 distance of feature maps: sum over layers i of w_i |F^i(x) - F^i(G(s))|_1 / M_i, averaged over images.

  X-GANs paper, Eq. 5 without its lambda. The paper does not give the weights of the layers; they are in the code that it
  builds on.

  Args:
    true_features, pred_features: lists of float [N, H, W, C] maps, one for each layer.
    weights: list of floats, one for each layer.
  Returns:
    float32 scalar.
  """
  pairs = _map_pairs(true_features, pred_features)
  if len(pairs) != len(weights):
    raise ValueError(f"{len(weights)} weights for {len(pairs)} maps: expected one for each")
  return tf.add_n([weight * l1(*pair) for weight, pair in zip(weights, pairs)])


def contextual(true_features, pred_features, bandwidth=0.5, epsilon=1e-5):
  """Contextual loss: -log of the mean, over target features, of their highest similarity to a generated feature.

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
  # Sorts random numbers, because tf.random.experimental.stateless_shuffle does not compile with XLA.
  numbers = tf.random.stateless_uniform([height * width], as_seed_pair(seed), None, None, tf.int32, alg=ALGORITHM)
  chosen = tf.argsort(numbers, stable=True)[:most]
  return [tf.gather(_positions(features), chosen, axis=1)[:, :, None] for features in maps]


def _positions(features):
  """[N, H, W, C] -> [N, H * W, C]."""
  size = tf.shape(features)
  positions = None if None in features.shape[1:3] else features.shape[1] * features.shape[2]
  return tf.reshape(features, [size[0], positions or size[1] * size[2], features.shape[3]])


def _map_pairs(true_features, pred_features):
  """Pairs of true and generated feature maps."""
  if not len(true_features) == len(pred_features) > 0:
    raise ValueError(f"{len(true_features)} true and {len(pred_features)} generated feature maps: expected equal numbers, "
                     "at least one")
  return list(zip(true_features, pred_features))
