"""The documentation uses the standard terms of the field in plain modern English: no source or page has the words below."""

import re

import pytest
import recipes

PLACES = ("tf_imgtrans/**/*.py", "tf_imgtrans/**/*.pyi", "tf_imgtrans/**/*.md", "train_scripts/*.py", "train_scripts/*.md",
          "*.md", "notebooks/*.md", "saved_models/**/*.md")
FILES = sorted({path for pattern in PLACES for path in recipes.ROOT.glob(pattern)})

# Word -> the term instead of it. Written in parts, so that this file passes its own check.
WORDS = {
    "pict" + "ures?": "image", "jud" + "g(e|es|ed|ing)": "discriminator output, evaluate, compare",
    "ho" + "use": "package", "ro" + "oms?": "package, module", "do" + "ors?": "function, import",
    "ha" + "ll": "root module", "he" + "eds?": "use", "me" + "nd(s|ed)?": "repair", "sha" + "ll": "must",
    "to" + "ld": "given, set", "wan" + "ts": "needs", "at ha" + "nd": "available", "falls? sho" + "rt": "limits",
    "bears? it o" + "ut": "confirm",
    "the pri" + "nt": "the published results", "prin" + "ted (numbers?|values?|rows?|results?|tables?|ones?)": "published",
}
PATTERN = re.compile(rf"\b({'|'.join(WORDS)})\b", re.IGNORECASE)

# Genuine uses: path -> parts of the lines that hold them.
ALLOWED = {
    "CHANGELOG.md": ("image instead of pict" + "ure", "--validation_pict" + "ures"),  # older names
    # The kind in the index of packed images, which earlier versions wrote and this one reads.
    "tf_imgtrans/data/shards.py": ("tf_imgtrans pict" + "ures",),
    "notebooks/gallery.md": ("marble ha" + "ll",),  # the name of a photograph
}


def _name(path):
  return path.relative_to(recipes.ROOT).as_posix()


def found(text, allowed=()):
  """(line number, word) of every word in a text that has a better term."""
  return [(number, match[0]) for number, line in enumerate(text.splitlines(), 1) for match in PATTERN.finditer(line)
          if not any(part in line for part in allowed)]


@pytest.mark.parametrize("text, words", [
    ("One pict" + "ure, two Pict" + "ures.", ["pict" + "ure", "Pict" + "ures"]), ("it sha" + "ll", ["sha" + "ll"]),
    ("as in the pri" + "nt, or prin" + "ted numbers", ["the pri" + "nt", "prin" + "ted numbers"]),
    ("The command prints a table; images printed on screen; a warehouse, a shallow bathroom, amended.", [])])
def test_the_words(text, words):
  assert [word for _, word in found(text)] == words


def test_allowed_lines_are_left_out():
  line = "a pict" + "ure"
  assert found(f"x\n{line}") == [(2, "pict" + "ure")] and not found(line, (line,))


@pytest.mark.parametrize("path", [path for path in FILES], ids=_name)
def test_plain_terms(path):
  assert not found(path.read_text(), ALLOWED.get(_name(path), ()))
