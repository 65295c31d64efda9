"""Starts TensorFlow without its start-up remarks; what runs here, and how it is called again."""

import contextlib
import os
import platform
import shutil
import sys
import tempfile

from tf_imgtrans.core.backend import check_backend


def start_tensorflow():
  """Imports TensorFlow and Keras in a process of ours; what they remark on missing drivers shows only when that fails.

  Raises:
    ValueError: Keras is set to another library than TensorFlow.
  """
  check_backend()
  os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
  with _stderr_kept():
    import tensorflow as tf

    from tf_imgtrans.core.keras_defaults import use_our_defaults

    tf.config.list_physical_devices()
  use_our_defaults()


@contextlib.contextmanager
def _stderr_kept():
  """Holds back what is written to file descriptor 2, C++ included; shows it when the body raises."""
  sys.stderr.flush()
  original = os.dup(2)
  with tempfile.TemporaryFile() as kept:
    os.dup2(kept.fileno(), 2)
    try:
      yield
    except BaseException:
      kept.seek(0)
      os.write(original, kept.read())
      raise
    finally:
      os.dup2(original, 2)
      os.close(original)


def program():
  """How to call the command again: its path, where the shell would not find it by name."""
  return "tf-imgtrans" if shutil.which("tf-imgtrans") else f"{sys.executable} -m tf_imgtrans"


def versions():
  """Versions that results depend on: dict of name to str."""
  import keras
  import tensorflow as tf

  from tf_imgtrans.version import __version__

  return {"tf_imgtrans": __version__, "tensorflow": tf.__version__, "keras": keras.__version__,
          "python": platform.python_version()}
