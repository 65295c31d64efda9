"""The weights of every network keep their names, shapes and order: checkpoints of version 0.1.0 number them so."""

import json
import pathlib

import pytest
from network_cases import GENERATORS, JUDGES, weight_order

# Of version 0.1.0, November 2026: {"generators": {name: weight_order(case.make()) ...}, "judges": ...} for all cases, with
# this folder on the path of that version.
GOLDEN = json.loads((pathlib.Path(__file__).parent / "golden" / "weights_0.1.0.json").read_text())
FORMER = {"x_gans": {"normalization": "batch"}}  # what that version did
CASES = [*(("generators", case) for case in GENERATORS), *(("judges", case) for case in JUDGES)]


@pytest.mark.parametrize("kind, case", CASES)
def test_weights_stand_in_the_order_of_0_1_0(kind, case):
  made = {"generators": GENERATORS, "judges": JUDGES}[kind][case].make(**FORMER.get(case, {}))
  assert weight_order(made) == GOLDEN[kind][case]
