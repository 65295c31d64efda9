"""`tf-imgtrans import-checkpoint`: a model of a public TensorFlow 1 checkpoint."""

import pathlib
from typing import Annotated, Literal

import tyro

from tf_imgtrans.core.startup import program, start_tensorflow

Name = Literal["srcnn", "dped", "resnet_8_32", "resnet_12_64"]
Source = Annotated[pathlib.Path, tyro.conf.arg(name="from", metavar="PREFIX")]


def import_checkpoint(name: Name, source: Source, out: pathlib.Path):
  """Make a model of a public TensorFlow 1 checkpoint.

  Reads those of DPED and of the PIRM 2018 challenge on smartphones. Nothing is written unless every variable of the
  network is there, fits and is finite.

  Example: tf-imgtrans import-checkpoint --name dped --from models_orig/iphone_orig --out iphone.keras

  Args:
    name: network that the checkpoint is of; Johnson's has no public one.
    source: prefix of the checkpoint, one of its files (.index, .data-*, .meta), or a frozen graph (.pb).
    out: file to write, ending in .keras.
  """
  if out.suffix != ".keras":
    raise ValueError(f"out is {out}: expected a file name that ends in .keras")
  start_tensorflow()
  from tf_imgtrans.baselines import public_checkpoints
  from tf_imgtrans.core.files import atomic_path

  network = public_checkpoints.import_checkpoint(name, source)
  with atomic_path(out) as temporary:
    network.save(temporary)
  print(f"wrote {out}: {name}, {network.count_params():,} parameters of {len(network.weights)} variables "
        f"from {source.name}")
  print(f"next: {program()} predict --model {out} PHOTO --out enhanced")
