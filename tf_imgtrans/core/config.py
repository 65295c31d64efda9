"""Configurations: frozen dataclasses, checked when they are made, written to and read from JSON.

A field states its legal values by its type: `weight_l1: NonNegative = 5000.0`.
"""

import dataclasses
import functools
import typing
from typing import Annotated

import annotated_types

from tf_imgtrans.core.names import unknown_name

NonNegative = Annotated[float, annotated_types.Ge(0)]
Positive = Annotated[float, annotated_types.Gt(0)]
Share = Annotated[float, annotated_types.Interval(ge=0, lt=1)]
Count = Annotated[int, annotated_types.Ge(0)]
PositiveCount = Annotated[int, annotated_types.Ge(1)]
Seed = Annotated[int, annotated_types.Interval(ge=0, lt=2 ** 31)]
EvenCount = Annotated[int, annotated_types.Ge(2), annotated_types.MultipleOf(2)]


def AtLeast(low):  # noqa: N802 - reads as a type
  """Integer type with a lowest legal value."""
  return Annotated[int, annotated_types.Ge(low)]


@functools.cache
def _adapters(cls):
  """One pydantic checker per field of the dataclass `cls`."""
  import pydantic  # a tenth of a second, wanted only once a configuration is made

  hints = typing.get_type_hints(cls, include_extras=True)
  return {field.name: pydantic.TypeAdapter(hints[field.name], config={"allow_inf_nan": False})
          for field in dataclasses.fields(cls)}


def validate(config, prefix="--config."):
  """Checks every field of a dataclass instance against its type; numbers must be finite.

  Args:
    config: the instance.
    prefix: str, what stands before a field's name in its flag.
  Raises:
    ValueError: names the field, the value seen and what was expected.
  """
  import pydantic

  for name, adapter in _adapters(type(config)).items():
    value = getattr(config, name)
    try:
      adapter.validate_python(value, strict=True)
    except pydantic.ValidationError as error:
      reason = error.errors()[0]["msg"]
      raise ValueError(f"{name} is {value!r}: {reason[0].lower()}{reason[1:]} ({prefix}{name})") from None


def from_dict(cls, values):
  """Makes a configuration of class `cls` from a dictionary, such as the one of run.json.

  Args:
    cls: the dataclass.
    values: dict of field values; missing fields take their default, JSON lists become tuples.
  Raises:
    ValueError: an unknown field, with the closest legal one.
  """
  names = [field.name for field in dataclasses.fields(cls)]
  for name in values:
    if name not in names:
      raise unknown_name("configuration field", name, names)
  return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def named(configs, name, options):
  """The configuration `name` of several, with fields of it changed.

  Args:
    configs: dict of name to configuration, each of which has its name as the field `network`.
    name: str, a key of `configs`.
    options: dict of field values, all but `network`.
  Raises:
    ValueError: an unknown field, an illegal value, or another network.
  """
  if options.get("network", name) != name:
    raise ValueError(f"network is {options['network']!r}, but the name {name!r} decides it: leave network out")
  return from_dict(type(configs[name]), {**dataclasses.asdict(configs[name]), **options})


def differences(a, b):
  """Names of the fields in which two configurations of one class differ, in field order."""
  return [field.name for field in dataclasses.fields(a) if getattr(a, field.name) != getattr(b, field.name)]
