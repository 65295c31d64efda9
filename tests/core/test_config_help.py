"""The help text of every field of every configuration, on the screen itself: the meaning first, then the source."""

import dataclasses
import re

import pytest
import tyro

from tf_imgtrans.recipes import RECIPES, find_recipe
from tf_imgtrans.training.options import PairedOptions

CLASSES = sorted({find_recipe(name).config for name in RECIPES} | {PairedOptions},
                 key=lambda cls: (cls.__module__, cls.__name__))
# First words that cite a source, or refer to something else, instead of stating the meaning.
CITATION = re.compile(
    r"$|\(default|\(required|Sec\.|Eq\.|Fig\.|(Table|Figure|Implementation Details|DPED|pix2pix(HD)?|StyleGAN|VGG16|code|"
    r"ours|not given|its (paper|README)|all three|alpha|beta|gamma|lambda|theta|of|at|as|in)\b", re.IGNORECASE)


def help_texts(cls, capsys):
  """dict of field name to its text on the help screen; fields of a field as "field.name"."""
  with pytest.raises(SystemExit):
    tyro.cli(cls, args=["--help"], use_underscores=True)
  texts, name = {}, None
  for line in re.sub(r"[│|]", " ", capsys.readouterr().out).splitlines():
    line = line.rstrip()
    if flag := re.match(r" {1,3}--([\w.]+)(?:.*? {2,}(\S.*))?", line):  # the text beside its flag
      name = flag[1]
      texts[name] = flag[2] or ""
    elif name and re.match(r" {6,}\S", line):  # or below it, indented further
      texts[name] = f"{texts[name]} {line.strip()}".strip()
    else:
      name = None
  return texts


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__qualname__}")
def test_help_texts_state_the_meaning_first(cls, monkeypatch, capsys):
  monkeypatch.setenv("COLUMNS", "1000")  # no flag is continued in a second line
  texts = help_texts(cls, capsys)
  assert not [f"{name}: {text}" for name, text in texts.items() if CITATION.match(text)]
  shown = {name.split(".")[0] for name in texts}
  assert {field.name for field in dataclasses.fields(cls)} - shown <= {"network"}, "fields without a text"


@dataclasses.dataclass
class Sample:
  weight: float = 1.0  # weight of a loss; Eq. 1
  cited: float = 1.0  # Sec. 4, code
  source: float = 1.0  # pix2pixHD
  part: int = 1  # of the image
  bare: int = 1


def test_the_check_finds_citations_and_missing_texts(monkeypatch, capsys):
  monkeypatch.setenv("COLUMNS", "1000")
  texts = help_texts(Sample, capsys)
  assert [name for name, text in texts.items() if CITATION.match(text)] == ["cited", "source", "part", "bare"]
  assert texts["weight"] == "weight of a loss; Eq. 1 (default: 1.0)"
