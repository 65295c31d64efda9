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
Factor = Annotated[float, annotated_types.Interval(gt=0, le=1)]
Level = Annotated[float, annotated_types.Interval(ge=0, le=1)]
Count = Annotated[int, annotated_types.Ge(0)]
PositiveCount = Annotated[int, annotated_types.Ge(1)]
Seed = Annotated[int, annotated_types.Interval(ge=0, lt=2 ** 31)]
# Fields of earlier versions by their old names, in run.json and in saved networks.
RENAMED = {"validation_pictures": "validation_images", "adaptation_pictures": "adaptation_images"}
EvenCount = Annotated[int, annotated_types.Ge(2), annotated_types.MultipleOf(2)]
ANY = object()  # in `from_stored`: a field that had no effect on this network, whatever its value

def AtLeast(low):  # noqa: N802 - reads as a type
  """Integer type with a lowest legal value."""
  return Annotated[int, annotated_types.Ge(low)]


@functools.cache
def _adapters(cls):
  """One pydantic checker per field of the dataclass `cls`."""
  import pydantic  # a tenth of a second, wanted only once a configuration is made

  hints = typing.get_type_hints(cls, include_extras=True)

  def adapter(hint):
    if dataclasses.is_dataclass(hint):  # whose instances have checked their own fields
      return pydantic.TypeAdapter(pydantic.InstanceOf[hint])
    return pydantic.TypeAdapter(hint, config={"allow_inf_nan": False})

  return {field.name: adapter(hints[field.name]) for field in dataclasses.fields(cls)}


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


def check_ranges(config, names, prefix="--config."):
  """Raises ValueError unless each named field, a pair or None, has its lower end first."""
  for name in names:
    value = getattr(config, name)
    if value is not None and value[0] > value[1]:
      raise ValueError(f"{name} is {value}: expected the lower end first ({prefix}{name})")


def check_weights(config, names=None):
  """Raises ValueError where every loss weight, a field named weight_<loss>, is 0.

  Args:
    config: the instance.
    names: the losses that count; all by default, which weight_decay is none of.
  """
  if names is None:
    fields = [field.name for field in dataclasses.fields(config) if field.name != "weight_decay"]
    names = [name.removeprefix("weight_") for name in fields if name.startswith("weight_")]
  if not any(getattr(config, f"weight_{name}") for name in names):
    raise ValueError("every weight is 0, so that there is nothing to learn from: expected one loss of positive weight "
                     f"({', '.join(f'--config.weight_{name}' for name in names)})")


def from_dict(cls, values):
  """Makes a configuration of class `cls` from a dictionary.

  Args:
    cls: the dataclass.
    values: dict of field values; missing fields take their default, JSON lists become tuples, dicts become the dataclass
      that the field is declared with.
  Raises:
    ValueError: an unknown field, with the closest legal one.
  """
  hints = typing.get_type_hints(cls)
  names = [field.name for field in dataclasses.fields(cls)]
  for name in values:
    if name not in names:
      raise unknown_name("configuration field", name, names)
  return cls(**{name: _value(hints[name], value) for name, value in values.items()})


def from_stored(cls, values):
  """Makes a configuration of class `cls` from what this version or an earlier one stored, in run.json or a saved network.

  Args:
    cls: the dataclass. Its attribute `retired`, where it has one, is a dict of the fields that its configurations had in
      version 0.1.0 and have no more: to the only value that can be read, or to ANY where the field had no effect. Its
      attribute `former` is a dict of the fields that are new since, to the values that version 0.1.0 stood for.
    values: dict of field values, as of `from_dict`.
  Raises:
    ValueError: as `from_dict`; or a retired field with a value that changed the method.
  """
  names, retired, kept = [field.name for field in dataclasses.fields(cls)], getattr(cls, "retired", {}), {}
  for name, value in values.items():
    if name in names or name not in retired:
      kept[name if name in names else RENAMED.get(name, name)] = value
    elif retired[name] not in (ANY, value):
      raise ValueError(f"{name} is {value!r}: since version 0.2 this network is without it, as if it were "
                       f"{retired[name]!r}; go on with version 0.1.0")
  return from_dict(cls, {**getattr(cls, "former", {}), **kept})


def _value(hint, value):
  if isinstance(value, dict) and dataclasses.is_dataclass(hint):
    return from_dict(hint, value)
  return tuple(value) if isinstance(value, list) else value


def changed(config, values):
  """The configuration with fields of it changed, given as a dictionary: as `from_dict`, the others keep their values."""
  return from_dict(type(config), {**shallow_dict(config), **values})


def shallow_dict(config):
  """Field values by name; unlike dataclasses.asdict, a field that is a dataclass stays one."""
  return {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}


def differences(a, b):
  """Names of the fields in which two configurations of one class differ, in field order."""
  return [field.name for field in dataclasses.fields(a) if getattr(a, field.name) != getattr(b, field.name)]
