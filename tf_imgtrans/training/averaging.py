"""Moving averages of weights."""

import tensorflow as tf


def move_average(average, network, half_life, images):
  """Moves the average of a network's weights towards the network, by the weight of a training step.

  Called on a replica; the assignment happens outside of the replicas, whose variables are equal.

  Args:
    average: keras.Model, the same network as `network`.
    network: keras.Model that is trained.
    half_life: number of images after which an old weight counts half; 0: the average is the network itself.
    images: int, of the step, on all replicas together.
  """
  share = 1.0 - 0.5 ** (images / half_life) if half_life else 1.0

  def update(strategy):
    for mean, variable in zip(average.variables, network.variables):
      mean.assign(mean + share * (variable - mean))

  tf.distribute.get_replica_context().merge_call(update)
