"""Makes a folder of saved_models/: trains a shipped model, measures it, exports it, writes its card.

For maintainers, as a release carries what lies there: python train_scripts/make_saved_models.py --help
"""

import pathlib
import sys
from typing import Annotated

import tyro

from tf_imgtrans.core.startup import start_tensorflow
from tf_imgtrans.shipping.plans import PLANS


def make(name: Annotated[str, tyro.conf.Positional], data: pathlib.Path, runs: pathlib.Path = pathlib.Path("runs"),
         out: pathlib.Path = pathlib.Path("saved_models"), pairs: pathlib.Path | None = None):
  """Makes OUT/NAME/ from licensed photographs; exit status 1 where the model must not be shipped, with the reasons.

  Called again, it goes on with the training, or only measures and exports a finished one.

  Args:
    name: of the model, as `--model` takes it.
    data: folder of photographs with a LICENCES.tsv: columns file, title, author, source, licence.
    runs: folder for the training run, RUNS/NAME.
    out: folder of the models.
    pairs: pairs of a phone and a better camera, such as DPED's, to measure on; nothing is trained on them.
  """
  start_tensorflow()
  from tf_imgtrans.shipping.make import make as make_model

  faults = make_model(name, data, runs, out, pairs)
  print(f"wrote {out / name}" + (", which must not be shipped:" if faults else ""), *faults, sep="\n  ")
  return 1 if faults else 0


if __name__ == "__main__":
  if "--help" in sys.argv:
    print(f"models: {', '.join(PLANS)}\n")
  raise SystemExit(tyro.cli(make, use_underscores=True))
