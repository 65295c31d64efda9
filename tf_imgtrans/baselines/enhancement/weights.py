"""Initial weights as in DPED's networks."""

import keras


def initial_weights(config, index):
  """Initializers of convolution `index`: kernels truncated normal of deviation 0.01, biases 0.01 (DPED's models.py).

  Args:
    config: Config; `seed` counts here.
    index: int, below 1000; every convolution of a network has its own.
  Returns:
    dict of arguments of keras.layers.Conv2D.
  """
  seed = (1000 * config.seed + index) % 2 ** 30
  return {"kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.01, seed=seed),
          "bias_initializer": keras.initializers.Constant(0.01)}
