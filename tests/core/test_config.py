"""Configurations: checks when made, and the way through JSON."""

import dataclasses
import json
from typing import ClassVar, Literal

import pytest

from tf_imgtrans.core import config as config_module
from tf_imgtrans.core.config import (
  ANY,
  AtLeast,
  Count,
  EvenCount,
  NonNegative,
  Positive,
  PositiveCount,
  Share,
  differences,
  from_dict,
  from_stored,
)


@dataclasses.dataclass(frozen=True)
class Sample:
  weight_l1: NonNegative = 1.0
  learning_rate: Positive = 0.5
  share: Share = 0.1
  seed: Count = 0
  batch_size: PositiveCount = 2
  patch_size: AtLeast(16) = 32
  growth: EvenCount = 4
  mode: Literal["a", "b"] = "a"
  layers: tuple[str, ...] = ("x", "y")
  triple: tuple[int, int, int] = (1, 2, 3)
  flip: bool = False

  def __post_init__(self):
    config_module.validate(self)


@pytest.mark.parametrize("field, value, reason", [
    ("weight_l1", -1.0, "weight_l1 is -1.0: input should be greater than or equal to 0"),
    ("weight_l1", float("nan"), "weight_l1 is nan: input should be a finite number"),
    ("weight_l1", float("inf"), "weight_l1 is inf: input should be a finite number"),
    ("weight_l1", "many", "weight_l1 is 'many': input should be a valid number"),
    ("learning_rate", 0.0, "learning_rate is 0.0: input should be greater than 0"),
    ("share", 1.0, "share is 1.0: input should be less than 1"),
    ("share", -0.1, "share is -0.1: input should be greater than or equal to 0"),
    ("seed", -1, "seed is -1: input should be greater than or equal to 0"),
    ("seed", 0.5, "seed is 0.5: input should be a valid integer"),
    ("batch_size", 0, "batch_size is 0: input should be greater than or equal to 1"),
    ("patch_size", 15, "patch_size is 15: input should be greater than or equal to 16"),
    ("growth", 3, "growth is 3: input should be a multiple of 2"),
    ("growth", 0, "growth is 0: input should be greater than or equal to 2"),
    ("mode", "c", "mode is 'c': input should be 'a' or 'b'"),
    ("layers", (1,), "layers is (1,): input should be a valid string"),
    ("triple", (1, 2), "triple is (1, 2): "),
    ("flip", None, "flip is None: input should be a valid boolean"),
])
def test_an_illegal_value_is_named(field, value, reason):
  with pytest.raises(ValueError) as caught:
    Sample(**{field: value})
  assert str(caught.value).startswith(reason)
  assert str(caught.value).endswith(f"(--config.{field})")


@pytest.mark.parametrize("field, value", [
    ("weight_l1", "5"), ("batch_size", True), ("patch_size", 32.0), ("flip", "yes"), ("flip", 1), ("seed", "7")])
def test_a_value_of_another_type_is_refused(field, value):
  with pytest.raises(ValueError, match=f"{field} is .*--config.{field}"):
    Sample(**{field: value})


@pytest.mark.parametrize("field, value", [
    ("weight_l1", 0), ("weight_l1", 3), ("share", 0.0), ("share", 0), ("batch_size", 1), ("patch_size", 16),
    ("layers", ())])
def test_legal_limits(field, value):
  assert getattr(Sample(**{field: value}), field) == value


def test_replace_checks_too():
  with pytest.raises(ValueError, match="batch_size is -3"):
    dataclasses.replace(Sample(), batch_size=-3)


def test_from_dict_reads_what_json_wrote():
  sample = Sample(weight_l1=2.5, layers=("p", "q", "r"), triple=(4, 5, 6), mode="b")
  read = from_dict(Sample, json.loads(json.dumps(dataclasses.asdict(sample))))
  assert read == sample and hash(read) == hash(sample)


def test_from_dict_fills_missing_fields():
  assert from_dict(Sample, {"seed": 4}) == Sample(seed=4)


def test_from_dict_names_the_closest_field():
  with pytest.raises(ValueError, match="unknown configuration field 'weigth_l1'.*did you mean 'weight_l1'"):
    from_dict(Sample, {"weigth_l1": 1.0})


@dataclasses.dataclass(frozen=True)
class Newer:
  """Once had a network's name, a weight that is always 0 now, and the width of a network that never had one."""

  retired: ClassVar = {"network": "net", "weight_color": 0.0, "width": ANY}
  seed: Count = 0
  validation_images: Count = 4


def test_what_an_earlier_version_stored_is_read():
  stored = {"network": "net", "weight_color": 0.0, "width": 64, "seed": 3, "validation_pictures": 5}
  assert from_stored(Newer, stored) == Newer(seed=3, validation_images=5)
  with pytest.raises(ValueError, match="weight_color is 2.0: since version 0.2 .* as if it were 0.0; .* version 0.1.0"):
    from_stored(Newer, {**stored, "weight_color": 2.0})
  with pytest.raises(ValueError, match="unknown configuration field 'sed'"):
    from_stored(Newer, {"sed": 3})


@pytest.mark.parametrize("name", ["network", "width", "validation_pictures"])
def test_a_new_configuration_has_no_retired_field(name):
  with pytest.raises(ValueError, match=f"unknown configuration field '{name}'"):
    from_dict(Newer, {name: 1})


def test_differences_in_field_order():
  assert differences(Sample(seed=1, weight_l1=2.0), Sample()) == ["weight_l1", "seed"]
  assert differences(Sample(), Sample()) == []
