"""What the user has allowed for this call by flags that every command takes; importing it is light."""

import contextlib
import contextvars

# flag -> what it allows, for the help screen
FLAGS = {
    "--overwrite": "replace a file of another kind by what is written",
    "--trust": "open a model that reaches beyond itself, to files, programs or other machines",
}
_allowed = contextvars.ContextVar("allowed", default=frozenset())


@contextlib.contextmanager
def allowing(flags):
  """Allows what some of `FLAGS` stand for, within it."""
  before = _allowed.set(_allowed.get() | frozenset(flags))
  try:
    yield
  finally:
    _allowed.reset(before)


def allowed(flag):
  """Whether the user has allowed what a flag stands for."""
  return flag in _allowed.get()
