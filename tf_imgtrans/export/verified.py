"""An export in any format, compared with its source at once."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.files import size_of
from tf_imgtrans.core.formats import get_format
from tf_imgtrans.core.networks import noise_mode
from tf_imgtrans.export.parity import Parity, measure_parity


@dataclasses.dataclass(frozen=True)
class Exported:
  """What came of an export.

  Attributes:
    path: Path of the file, or of the SavedModel's version folder.
    bytes: int.
    parity: Parity, the difference to the source; None of random noise, with which two runs differ.
  """

  path: pathlib.Path
  bytes: int
  parity: Parity | None


def export_model(source: Any, kind: str, path: str | pathlib.Path, photographs: Sequence[np.ndarray],
                 targets: Sequence[np.ndarray] | None = None, noise: str | None = None, **options: Any) -> Exported:
  """Writes a network in a format, loads the file and compares it with the network.

  Args:
    source: keras.Model from images to images, or inference.LoadedModel of one.
    kind: str, a name of `core.formats`: "keras", "saved-model", "tflite" or "frozen-graph".
    path: of the file, with its suffix, or of the folder.
    photographs: list of float32 [H, W, 3] in [0, 1], of the fixed size where there is one.
    targets: list of float32 [sH, sW, 3], or None; see `measure_parity`.
    noise: "fixed", "random" or "off"; None for the network's own, but a fixed one in the place of a random one.
    **options: of the format's function: see `to_tflite` and `to_saved_model`.
  Returns:
    Exported.
  Raises:
    ValueError: an unknown format, what the format's function refuses, or another process exports to the same path.
  """
  entry = get_format(kind)
  if "noise" in entry.options:
    options["noise"] = noise
  elif noise is not None:
    raise ValueError(f"noise is {noise}, but {kind} keeps the network's own: leave it out")
  network = getattr(source, "keras_model", source)
  path = pathlib.Path(path)
  with claimed(path.parent, [path.name], f"an export to {path.name}"):
    found = entry.save(network, path, **options)
    parity = None
    if noise != "random":
      with noise_mode(network, noise):
        parity = measure_parity(source, entry.load(found, None), photographs, options.get("precision", "float32"), targets)
    return Exported(found, size_of(found), parity)
