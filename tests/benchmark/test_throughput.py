"""Pictures a second of maps: every picture is mapped in every round, by as many workers as are asked for."""

import time

import recipes
import tensorflow as tf

from tf_imgtrans.benchmark.throughput import map_throughput


def test_maps_run_in_turn_beside_the_identity():
  seen = []

  def note(picture, seed):
    tf.py_function(lambda total, pair: seen.append((float(total), tuple(pair.numpy()))), [tf.reduce_sum(picture), seed], [])
    return picture

  def sleep(picture, seed):
    return tf.numpy_function(lambda total: time.sleep(0.02) or total, [tf.reduce_sum(picture)], tf.float32)

  pictures = recipes.random_images(3, 16, 16, 3)
  found = map_throughput({"note": note, "sleep": sleep}, pictures, count=8, rounds=2, workers=2)
  assert list(found) == ["identity", "note", "sleep"]
  assert found["identity"]["ratio"] == 1 and found["identity"]["cpu_ms"] > 0
  assert 0 < found["sleep"]["pictures_per_second"] <= 2 / 0.02
  assert len(seen) == 8 * 3  # a round that warms up and two more
  assert len(set(seen)) == 8 and len({total for total, _ in seen}) == 3
