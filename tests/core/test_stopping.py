"""Signals that ask to stop: noted while work goes on to a good place, raised else."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from tf_imgtrans.core.stopping import SIGNALS, Stopped, noted_stops, raise_when_asked

pytestmark = pytest.mark.usefixtures("default_signals")


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_noted_and_a_second_one_ends_at_once(number):
  before = signal.getsignal(number)
  with noted_stops() as asked:
    assert asked.number is None
    os.kill(os.getpid(), number)
    assert asked.number == number
    assert {signal.getsignal(other) for other in SIGNALS} <= {signal.SIG_DFL, signal.SIG_IGN}
  assert signal.getsignal(number) is before


def test_what_was_ignored_stays_so():
  """As under nohup."""
  signal.signal(signal.SIGHUP, signal.SIG_IGN)
  with noted_stops() as asked:
    raise_when_asked()
    os.kill(os.getpid(), signal.SIGHUP)
  assert asked.number is None and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_other_threads_note_nothing():
  found = []

  def work():
    with noted_stops() as asked:
      found.append(asked.number)

  thread = threading.Thread(target=work)
  thread.start()
  thread.join()
  assert found == [None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_raises_what_cleans_up(number):
  signal.signal(number, signal.SIG_DFL)
  raise_when_asked()
  with pytest.raises(Stopped) as raised:
    os.kill(os.getpid(), number)
  assert isinstance(raised.value, KeyboardInterrupt) and raised.value.number == number
  assert signal.getsignal(number) is signal.SIG_DFL  # a second one ends at once


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_command_says_by_what_it_was_stopped(number, status):
  program = ("import os, sys\nfrom tf_imgtrans.cli import main\n"
             f"main.load = lambda target: lambda: os.kill(os.getpid(), {int(number)})\n"
             "main.prepare = lambda command: ''\nmain.main(['quickstart'])\n")
  done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
  assert done.returncode == status
  assert f"tf-imgtrans: stopped by {number.name}; a training run goes on with --resume" in done.stderr
  assert "Traceback" not in done.stderr
