"""Signals that ask a process to stop: Ctrl-C, and what Slurm, Kubernetes, spot machines and closed terminals send."""

import contextlib
import signal
import threading

# SIGHUP is not known everywhere.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(KeyboardInterrupt):
  """Work that a signal has ended; the message says what was kept.

  Attributes:
    number: signal.Signals.
  """

  def __init__(self, number, message=""):
    super().__init__(message)
    self.number = signal.Signals(number)


class Request:
  """Whether this process was asked to stop.

  Attributes:
    number: signal.Signals, None where it was not.
  """

  number = None


def raise_when_asked():
  """From now on SIGTERM and SIGHUP raise Stopped, as Ctrl-C raises KeyboardInterrupt, so that files are cleaned up.

  A second one ends the process at once. Signals that were ignored before, as under nohup, stay so.
  """
  def ask(number, frame):  # noqa: ARG001 - as Python calls it
    signal.signal(number, signal.SIG_DFL)
    raise Stopped(number)

  for number in SIGNALS:
    if number != signal.SIGINT and signal.getsignal(number) is signal.SIG_DFL:
      signal.signal(number, ask)


@contextlib.contextmanager
def noted_stops():
  """Notes the first signal instead of following it: yields a Request. A second one ends the process at once.

  For work that goes on to a place where it can be resumed from. Outside the main thread nothing is noted, since Python
  gives signals to that thread alone.
  """
  request, before = Request(), {}

  def note(number, frame):  # noqa: ARG001 - as Python calls it
    request.number = signal.Signals(number)
    for other in before:
      signal.signal(other, signal.SIG_DFL)

  if threading.current_thread() is threading.main_thread():
    for number in SIGNALS:
      if signal.getsignal(number) not in (signal.SIG_IGN, None):
        before[number] = signal.signal(number, note)
  try:
    yield request
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
