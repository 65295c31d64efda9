"""Words for users: the closest legal name, and numbers of things."""

import difflib


def closest(name, legal):
  """Returns the entry of `legal` that is most like `name`, or None when none is near."""
  found = difflib.get_close_matches(str(name), [str(option) for option in legal], n=1, cutoff=0.5)
  return found[0] if found else None


def counted(number, what):
  """A number of things in words: "1 image", "2 images"."""
  return f"{number} {what}{'' if number == 1 else 's'}"


def unknown_name(what, name, legal):
  """Makes the ValueError for an unknown name: what was seen, what is legal and the closest one.

  Args:
    what: str, the kind of thing, such as "generator".
    name: what was given.
    legal: iterable of the legal names.
  """
  legal = sorted(str(option) for option in legal)
  near = closest(name, legal)
  hint = f"; did you mean {near!r}?" if near else ""
  return ValueError(f"unknown {what} {name!r}: expected one of {', '.join(legal)}{hint}")
