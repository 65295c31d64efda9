"""The licensed photographs that shipped models are trained on, the held-out ones among them, and whom to thank."""

import csv
import dataclasses
import pathlib

from tf_imgtrans.core.images import list_images
from tf_imgtrans.data.embedded import HELD_OUT
from tf_imgtrans.data.folders import Folder

LICENCES = "LICENCES.tsv"
EVERY = 6  # every sixth photograph by name is held out, beside the embedded one that all of the package holds out


@dataclasses.dataclass(frozen=True)
class Photographs:
  """Photographs with licences that allow to ship what is trained on them.

  Attributes:
    training, held_out: lists of Path.
    credits: dict of stem to dict: title, author, source, licence; {} for a folder without a list.
  """

  training: list[pathlib.Path]
  held_out: list[pathlib.Path]
  credits: dict[str, dict[str, str]]

  @property
  def folder(self) -> Folder:
    """Both parts as a task takes them."""
    return Folder("photographs", self.training, self.held_out)


def licensed_photographs(folder: str | pathlib.Path) -> Photographs:
  """Lists a folder of photographs and its LICENCES.tsv: columns file, title, author, source, licence.

  Args:
    folder: with images in it or below it.
  Raises:
    FileNotFoundError: no such folder, no images, or no list of licences.
    ValueError: images that the list does not name.
  """
  folder = pathlib.Path(folder)
  paths = sorted(list_images([folder], recursive=True), key=lambda path: path.stem)
  if not (folder / LICENCES).is_file():
    raise FileNotFoundError(f"{folder / LICENCES} is missing: a model that is shipped names the licence of every "
                            "photograph; give a file with the columns file, title, author, source, licence, separated by "
                            "tabs")
  with open(folder / LICENCES, encoding="utf-8", newline="") as file:
    entries = {pathlib.Path(row["file"]).stem: row for row in csv.DictReader(file, delimiter="\t")}
  unnamed = [path.name for path in paths if path.stem not in entries]
  if unnamed:
    raise ValueError(f"{folder / LICENCES} does not name {', '.join(unnamed[:5])}: add their licences, or take them away")
  kept = pathlib.Path(HELD_OUT).stem
  held_out = [path for number, path in enumerate(paths) if number % EVERY == EVERY // 2 or path.stem == kept]
  columns = ("title", "author", "source", "licence")
  return Photographs([path for path in paths if path not in held_out], held_out,
                     {path.stem: {name: entries[path.stem][name] for name in columns} for path in paths})
