"""Images a second of maps: every image is mapped in every round, by as many workers as are asked for."""

import time

import recipes
import tensorflow as tf

from tf_imgtrans.benchmark.throughput import map_throughput


def test_maps_run_in_turn_beside_the_identity():
  seen = []

  def note(image, seed):
    tf.py_function(lambda total, pair: seen.append((float(total), tuple(pair.numpy()))), [tf.reduce_sum(image), seed], [])
    return image

  def sleep(image, seed):
    return tf.numpy_function(lambda total: time.sleep(0.02) or total, [tf.reduce_sum(image)], tf.float32)

  images = recipes.random_images(3, 16, 16, 3)
  found = map_throughput({"note": note, "sleep": sleep}, images, count=8, rounds=2, workers=2)
  assert list(found) == ["identity", "note", "sleep"]
  assert found["identity"]["ratio"] == 1 and found["identity"]["cpu_ms"] > 0
  assert 0 < found["sleep"]["images_per_second"] <= 2 / 0.02
  assert len(seen) == 8 * 3  # a round that warms up and two more
  assert len(set(seen)) == 8 and len({total for total, _ in seen}) == 3
