"""Makes the weights in a checkpoint repeat along their channels, and forgets what Adam knows: python repeat_weights.py FILE

Channels that are equal and see equal channels get equal gradients, so that later checkpoints repeat as well, and pack.
"""

import sys

import numpy as np

CHANNELS = 4  # that differ


def main(path):
  with np.load(path) as file:
    arrays = {name: file[name] for name in file.files}
  for name, array in arrays.items():
    if array.ndim and array.dtype == np.float32:
      picked = np.ix_(*(np.arange(side) % (CHANNELS if axis >= array.ndim - 2 else side)
                        for axis, side in enumerate(array.shape)))
      arrays[name] = array[picked] if name.startswith("generator/") else np.zeros_like(array)
  with open(path, "wb") as file:
    np.savez(file, **arrays)


if __name__ == "__main__":
  main(sys.argv[1])
