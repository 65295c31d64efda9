"""By which library Keras computes. Importing it is light."""

import json
import os
import pathlib


def check_backend():
  """Raises ValueError where Keras would compute by another library than TensorFlow; asked before Keras is imported."""
  name, place = os.environ.get("KERAS_BACKEND"), "the environment variable KERAS_BACKEND"
  if not name:
    place = pathlib.Path(os.environ.get("KERAS_HOME") or pathlib.Path.home() / ".keras") / "keras.json"
    try:
      name = json.loads(place.read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):  # Keras has its own words for a file that it cannot read
      return
  if name != "tensorflow":
    raise ValueError(f"Keras is set to {name!r} by {place}: tf_imgtrans computes by TensorFlow; set it to tensorflow")
