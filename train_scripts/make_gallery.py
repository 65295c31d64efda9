"""Makes a page of held-out photographs before and after a shipped enhancer: notebooks/gallery.md.

For maintainers: python train_scripts/make_gallery.py --help
"""

import pathlib

import tyro

from tf_imgtrans.core.startup import start_tensorflow


def make(data: pathlib.Path, model: str = "mux_demux_hp", out: pathlib.Path = pathlib.Path("notebooks/gallery")):
  """Makes OUT.md and the images in OUT/.

  Args:
    data: folder of photographs with a LICENCES.tsv, as make_saved_models.py takes it.
    model: a shipped enhancer.
    out: the page, without its suffix.
  """
  start_tensorflow()
  from tf_imgtrans.inference.models import load_model
  from tf_imgtrans.practice.phone_enhancement.recipe import PHONE
  from tf_imgtrans.shipping.gallery import write_gallery
  from tf_imgtrans.shipping.photographs import licensed_photographs

  write_gallery(model, load_model(model), PHONE, licensed_photographs(data), out)
  print(f"wrote {out}.md")


if __name__ == "__main__":
  tyro.cli(make, use_underscores=True)
