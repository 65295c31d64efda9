"""Keras' global settings, on which nothing here depends: NHWC in float32, whatever keras.json or keras.config say."""

import contextlib
import functools
import inspect
import threading

from tf_imgtrans.core.backend import check_backend

check_backend()

import keras  # noqa: E402 - with another backend its import fails without a word on why

_OURS = {"image_data_format": "channels_last", "floatx": "float32", "epsilon": 1e-7}
_FLOAT = "float32"  # dtype policy, which Keras keeps for each thread
_lock = threading.Lock()
_within, _before = 0, {}  # how many are within, of all threads, and the settings before the first


@contextlib.contextmanager
def our_defaults():
  """Within it, Keras' settings are ours; after the last that is within they are again what they were."""
  global _within, _before
  policy = keras.config.dtype_policy()
  with _lock:
    if _within == 0:
      _before = {name: getattr(keras.config, name)() for name in _OURS}
      _set(_OURS)
    _within += 1
  try:
    keras.config.set_dtype_policy(_FLOAT)
    yield
  finally:
    with _lock:
      _within -= 1
      if _within == 0:
        _set(_before)
    keras.config.set_dtype_policy(policy)


def use_our_defaults():
  """Sets Keras' settings to ours for good, in a process of ours, such as a command's."""
  _set(_OURS)
  keras.config.set_dtype_policy(_FLOAT)


def _set(values):
  for name, value in values.items():
    if getattr(keras.config, name)() != value:
      getattr(keras.config, f"set_{name}")(value)


class OwnDefaults:
  """Makes every subclass build its layers and variables with our settings; it stands before the class of Keras."""

  def __init_subclass__(cls, **kwargs):
    super().__init_subclass__(**kwargs)
    for name in ("__init__", "build_from_config"):
      if name in cls.__dict__:
        setattr(cls, name, _with_our_defaults(cls.__dict__[name]))


def _with_our_defaults(method):
  @functools.wraps(method)
  def run(*args, **kwargs):
    with our_defaults():
      return method(*args, **kwargs)

  run.__signature__ = inspect.signature(method)  # Keras asks for the names of the arguments
  return run
