"""The trained models that are found by name: where they lie, and what their cards say. Importing it is light."""

import dataclasses
import pathlib
from typing import Any

from tf_imgtrans.core.files import read_json
from tf_imgtrans.core.names import unknown_name

CARD, TEXT = "card.json", "MODEL_CARD.md"  # of a model's folder: for programs, and for people
# Of the working folder, then those that come with the package: inside it as installed, beside it in a checkout.
_INSTALLED, _BESIDE = (folder / "saved_models" for folder in pathlib.Path(__file__).parents[1:3])
STORES = (pathlib.Path("saved_models"), _INSTALLED if _INSTALLED.is_dir() else _BESIDE)


@dataclasses.dataclass(frozen=True)
class ShippedModel:
  """A trained model with its card.

  Attributes:
    name: str, as `--model` and `load_model` take it.
    summary: str, what it does, one line.
    task, recipe: str, what it was trained for, and by which recipe.
    scale: int s; the output is s times as high and wide as the input.
    parameters: int.
    bytes: int, of NAME.keras.
    licence: str, of the weights.
    score: dict: metric, unit, data (on what), images (their number), model (its value), naive (dict of name to value).
    speed: dict: seconds, height and width of the input, runtime, machine.
    path: Path of its folder.
  """

  name: str
  summary: str
  task: str
  recipe: str
  scale: int
  parameters: int
  bytes: int
  licence: str
  score: dict[str, Any]
  speed: dict[str, Any]
  path: pathlib.Path

  @property
  def card(self) -> str:
    """The text of its card, Markdown."""
    return (self.path / TEXT).read_text(encoding="utf-8")


def list_models() -> list[ShippedModel]:
  """The models that have a card, by name: those of saved_models/ in the working folder, and those of the package.

  Raises:
    ValueError: a card that cannot be read; the message names it.
  """
  found: dict[str, ShippedModel] = {}
  for store in STORES:
    for card in sorted(store.glob(f"*/{CARD}")):
      found.setdefault(card.parent.name, _read(card))
  return [found[name] for name in sorted(found)]


def get_model(name: str) -> ShippedModel:
  """The model of a name. ValueError for an unknown one, with the closest."""
  models = {model.name: model for model in list_models()}
  if name not in models:
    raise unknown_name("model", name, models)
  return models[name]


def _read(card):
  fields = {field.name for field in dataclasses.fields(ShippedModel)} - {"path"}
  content = read_json(card)
  if not fields <= content.keys():
    missing = ", ".join(sorted(fields - set(content)))
    raise ValueError(f"{card} is no card of a model: {missing} missing; make the folder anew")
  return ShippedModel(**{name: content[name] for name in fields}, path=card.parent)
