"""Running times of networks, measured in turn."""


def take_turns(networks, base, rounds, height, width):
  """Times networks round after round in one process, so that a slow moment of the machine affects all of them.

  Args:
    networks: dict of name to keras.Model.
    base: str, the network that ratios are to.
    rounds: int, after one that warms up.
    height, width: int, of the image.
  Returns:
    dict of name to {"ms": median, "ratio": median ratio to the base within a round, "low" and "high": its quartiles,
    "gmac", "round_seconds": list, "cores": of the machine}.
  """
  import os

  from tf_imgtrans.benchmark.latency import keras_runner, paired_latency
  from tf_imgtrans.benchmark.macs import count_macs

  found = paired_latency({name: keras_runner(network, height, width) for name, network in networks.items()}, rounds)
  values = {}
  for name, network in networks.items():
    ratio, low, high = found.ratio(name, base)
    values[name] = {"ms": found.median_ms(name), "ratio": ratio, "low": low, "high": high,
                    "gmac": count_macs(network, height, width) / 1e9, "round_seconds": found.seconds[name],
                    "cores": os.cpu_count()}
  return values
