"""The terms of a loss, recorded for those who measure what each of them does."""

import contextlib

_RECORDS = []  # the dicts of the open contexts of `recorded_terms`


@contextlib.contextmanager
def recorded_terms():
  """Context that yields a dict of name to float32 scalar: the weighted terms of every `losses.weighted_sum` within it."""
  _RECORDS.append({})
  try:
    yield _RECORDS[-1]
  finally:
    _RECORDS.pop()


def record_terms(weighted):
  """Shows a dict of weighted terms to all open contexts of `recorded_terms`."""
  for record in _RECORDS:
    record.update(weighted)
