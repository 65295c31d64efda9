"""Population statistics of batch normalizations, estimated for the weights as they are.

The moving averages that a batch normalization keeps while it trains trail the weights, which gives a young network washed
out outputs. Y. Wu, J. Johnson: Rethinking "Batch" in BatchNorm, 2021, Sec. 3 replaces them by means over training images
seen with fixed weights ("PreciseBN").
"""

import keras

IMAGES = 128  # that statistics are estimated from
PASS_PIXELS = 1 << 20  # of the images that are normalized together, which bounds the memory of a pass


def batch_normalizations(network):
  """The network's batch normalizations, in it or in its parts: list of layers."""
  return [layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]


def estimate_statistics(network, images):
  """Sets the moving means and variances of a network to means over passes of images, in which nothing is dropped.

  Args:
    network: keras.Model; called as network(images, training=True).
    images: tf.data.Dataset of float32 [H, W, C], of one size and finite; inputs as in training.
  """
  norms = batch_normalizations(network)
  momenta = [norm.momentum for norm in norms]
  height, width = images.element_spec.shape[:2]
  try:
    for number, batch in enumerate(images.batch(max(1, PASS_PIXELS // (height * width)))):
      for norm in norms:
        norm.momentum = number / (number + 1)  # the mean of this pass and of all before it, whatever was there
      network(batch, training=True)
  finally:
    for norm, momentum in zip(norms, momenta):
      norm.momentum = momentum
