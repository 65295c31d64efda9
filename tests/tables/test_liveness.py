"""What a run folder tells of its loss terms and its discriminator, and when nothing follows from a comparison."""

import json

import pytest

from tf_imgtrans.tables.liveness import liveness, reasons
from tf_imgtrans.tables.statements import Statement, check, higher
from tf_imgtrans.tables.table import Result, Row

ALIVE = {"gradient": {"l1": 0.7, "point": 0.3}, "scores": [0.7, 0.3]}


def result(key, alive, ablates="", value=1.0):
  """A trained row with three seeds that agree."""
  row = Row(key, f"the {key} row", seeds=(0, 1, 2), details={"config": {}}, ablates=ablates)
  return Result(row, [{"seed": seed, "values": {"psnr": value + 0.01 * seed}, "liveness": alive} for seed in row.seeds])


def test_shares_and_scores_of_a_run(tmp_path):
  records = [{"step": step, "kind": "train", "total": 1.0, "real_score": 0.5 + 0.1 * step, "fake_score": 0.5 - 0.1 * step}
             for step in range(4)]
  records += [{"step": step, "kind": "terms", "loss/l1": 0.75, "loss/point": 0.25, "gradient/l1": share,
               "gradient/point": 1 - share} for step, share in ((2, 0.9), (4, 0.7))]
  (tmp_path / "scalars.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
  found = liveness(tmp_path)
  assert found["loss"] == {"l1": 0.75, "point": 0.25}
  assert found["gradient"] == pytest.approx({"l1": 0.8, "point": 0.2})
  assert found["scores"] == pytest.approx([0.75, 0.25])  # of the second half


def test_a_run_that_has_logged_neither_tells_nothing(tmp_path):
  (tmp_path / "scalars.jsonl").write_text(json.dumps({"step": 1, "kind": "train", "total": 1.0}))
  assert liveness(tmp_path) == {} and reasons([result("a", {}), result("b", {})]) == []


@pytest.mark.parametrize("alive, words", [
    ({**ALIVE, "scores": [0.505, 0.495]}, "the discriminator of the full row stays at chance: 0.51 for real images"),
    ({**ALIVE, "scores": [0.995, 0.005]}, "the discriminator of the full row saturates: 0.99 for real images"),
    ({"gradient": {"l1": 0.998, "point": 0.002}}, "point has 0.20% of the gradient of the full row: it does nothing")])
def test_a_dead_training_decides_nothing(alive, words):
  """Whatever the interval says; the same numbers of a living one hold."""
  statement = Statement("better with the point loss", higher("psnr", "full", "none"))
  without = result("none", {"gradient": {"l1": 1.0}}, ablates="point")
  living, = check([result("full", ALIVE, value=2.0), without], [statement])
  assert living.word == "holds at this scale"
  dead, = check([result("full", alive, value=2.0), without], [statement])
  assert dead.word == "undecided" and words in str(dead)
  assert dead.as_json()["claims"][0]["low"] > 0 and words in dead.as_json()["claims"][0]["reason"]


def test_another_term_may_be_small():
  """Only what a row is trained without must have lived in the others."""
  small = {"gradient": {"l1": 0.995, "point": 0.3, "color": 0.002}}
  assert reasons([result("full", small), result("none", ALIVE, ablates="point")]) == []
