"""Distribution over devices and workers."""

import json
import os

import tensorflow as tf

from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.replicas import Part

STRATEGIES = ("none", "mirrored", "multi_worker")


def make_strategy(name):
  """A tf.distribute strategy by name: "none", "mirrored" (all devices here) or "multi_worker" (by TF_CONFIG).

  Raises:
    ValueError: unknown name, or multi_worker without TF_CONFIG.
  """
  if name not in STRATEGIES:
    raise unknown_name("strategy", name, STRATEGIES)
  if name == "none":
    return tf.distribute.get_strategy()
  if name == "mirrored":
    devices = [device.name for device in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
    return tf.distribute.MirroredStrategy([device.replace("/device:", "") for device in devices])
  if "cluster" not in _tf_config():
    raise ValueError("multi_worker needs the environment variable TF_CONFIG, such as "
                     '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}')
  return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(name):
  """Whether this process writes the run's files under the strategy `name`: always, but for other workers than the chief.

  The chief is the cluster's task "chief", or where it has none, its first worker.
  """
  if name != "multi_worker":
    return True
  config = _tf_config()
  task = config.get("task", {})
  if "chief" in config["cluster"]:
    return task.get("type") == "chief"
  return task.get("index", 0) == 0


def _tf_config():
  text = os.environ.get("TF_CONFIG") or "{}"
  try:
    return json.loads(text)
  except json.JSONDecodeError as error:
    raise ValueError(f"the environment variable TF_CONFIG is {text!r}: expected JSON ({error})") from None


def distribute(strategy, batches, start_step):
  """The dataset of a strategy, every replica getting its part of each batch.

  Args:
    strategy: of `make_strategy`.
    batches: (start_step, Part) -> tf.data.Dataset.
    start_step: int.
  """
  if strategy.num_replicas_in_sync == 1:
    return batches(start_step, Part())

  def for_pipeline(context):
    workers = context.num_input_pipelines
    return batches(start_step, Part(workers, context.input_pipeline_id, strategy.num_replicas_in_sync // workers))

  return strategy.distribute_datasets_from_function(for_pipeline)
