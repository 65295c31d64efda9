"""Settings of the whole test run, and the images that tests of several packages use."""

import gc
import os
import pathlib
import signal

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow is imported
if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores, so that more threads wait for each other
  for variable in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import hypothesis
import numpy as np
import pytest

# The same examples in every run: a red test stays red until the code changes.
hypothesis.settings.register_profile(
    "repeatable", derandomize=True, deadline=None, max_examples=20, database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture])
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def data_folder():
  """The folder of real photographs and weights, named by TF_IMGTRANS_DATA."""
  root = os.environ.get("TF_IMGTRANS_DATA")
  if not root:
    pytest.skip("TF_IMGTRANS_DATA is not set: it names the folder with real photographs and weights")
  if not pathlib.Path(root).is_dir():
    pytest.skip(f"TF_IMGTRANS_DATA names {root}, which is no folder")
  return pathlib.Path(root)


@pytest.fixture(scope="session")
def real_photograph():
  """A photograph of scikit-image, a cat: float32 [300, 451, 3] in [0, 1]; not to be written to."""
  import skimage.data

  photograph = skimage.data.chelsea().astype(np.float32) / 255
  photograph.setflags(write=False)
  return photograph


def pytest_configure(config):
  gc.freeze()  # graphs are many small objects that live on: looking for garbage among them was a fifth of the time
  gc.set_threshold(50_000, 20, 100)
  # Keras reads its own variables in the manner of NumPy 1.
  config.addinivalue_line("filterwarnings", "ignore:__array__ implementation:DeprecationWarning:keras")


@pytest.fixture
def default_signals():
  """Signals to stop as a program in a terminal has them, for this process and its children: nohup and & ignore some."""
  from tf_imgtrans.core.stopping import SIGNALS

  before = {number: signal.getsignal(number) for number in SIGNALS}
  for number in SIGNALS:
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
  yield
  for number, handler in before.items():
    signal.signal(number, handler)
