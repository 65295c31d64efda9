"""The embedded photographs: CC0, carried by the package; data/photographs/CREDITS.md names their authors."""

import pathlib

FOLDER = pathlib.Path(__file__).parent / "photographs"
HELD_OUT = "kitten_on_lawn.jpg"  # not trained on: all measurements of the embedded data use it


def training_photographs():
  """Paths of the photographs to train on, JPEG files in sRGB with a shorter side of 512 pixels."""
  return [path for path in _photographs() if path.name != HELD_OUT]


def held_out_photograph():
  """Path of the photograph to measure on, 756x512 pixels."""
  return next(path for path in _photographs() if path.name == HELD_OUT)


def _photographs():
  found = sorted(FOLDER.glob("*.jpg"))
  if HELD_OUT not in [path.name for path in found] or len(found) < 2:
    raise FileNotFoundError(f"the embedded photographs are missing ({FOLDER}): reinstall tf_imgtrans with pip install "
                            "--force-reinstall --no-deps tf_imgtrans")
  return found
