"""`tf-imgtrans COMMAND ...`: finds the command's function, makes its flags from its signature, and runs it.

Exit status: 0 done; 1 some inputs failed and the others were done, each failure named; 2 the call itself was wrong.
"""

import contextlib
import os
import pathlib
import signal
import sys
import warnings

from tf_imgtrans.cli import export
from tf_imgtrans.cli.screens import load, overview, prepare
from tf_imgtrans.cli.streams import write_what_it_can
from tf_imgtrans.core.disk_faults import REMEDIES, fault_of
from tf_imgtrans.core.files import check_output
from tf_imgtrans.core.names import unknown_name
from tf_imgtrans.core.permissions import FLAGS, allowing
from tf_imgtrans.core.startup import program
from tf_imgtrans.core.stopping import raise_when_asked
from tf_imgtrans.recipes import RECIPES
from tf_imgtrans.tables.registry import PAPERS as TABLES
from tf_imgtrans.version import __version__

# command -> ("module:function", summary), a module of this package or an absolute name, where a summary of None is that of
# the function; or (dict of the commands one level below, summary)
COMMANDS = {
    "quickstart": ("quickstart:quickstart", "Train, measure and export a small enhancer on embedded photographs."),
    "train": ({**{name: (f"train:{name}", None) for name in RECIPES}, "baseline": ("train:baseline", None)},
              "Train a paper's model, or a baseline."),
    "evaluate": ("evaluate:evaluate", "Measure a model on its own task, or on another."),
    "models": ("models:models", "List the trained models that come with the package, or show a card."),
    "predict": ("predict:predict", "Run a model on images, folders and patterns."),
    "corrupt": ({
        "random_points": ("corrupt:random_points", "Keep scattered pixels, the rest white."),
        "edge_points": ("corrupt:edge_points", "Keep pixels drawn mostly from the edges, the rest white."),
        "color_noise": ("corrupt:color_noise", "Keep scattered pixels, the rest in random colours."),
        "white_block": ("corrupt:white_block", "Set a square in the middle white, or of another colour."),
        "color_blocks": ("corrupt:color_blocks", "Cover a square with a tile of another image."),
        "gaussian_noise": ("corrupt:gaussian_noise", "Add Gaussian noise."),
        "gaussian_blur": ("corrupt:gaussian_blur", "Blur with a Gaussian."),
    }, "Corrupt images, and write the masks of what was kept."),
    "data": ({
        "pack": ("data:pack", "Pack images at every size of progressive training."),
        "camera": ("data:camera", "Measure how one camera's photographs differ from another's."),
    }, "Make data ready for training."),
    "benchmark": ("benchmark:benchmark", "Latency, arithmetic and memory of networks, side by side."),
    "benchmark-training": ("benchmark_training:benchmark_training", "Images a second of a paper's training step."),
    "benchmark-corruptions": ("benchmark_corruptions:benchmark_corruptions", "Images a second of each corruption."),
    "compress": ("codec:compress", "Keep a few exact pixels of an image, in an .xgp file."),
    "decompress": ("codec:decompress", "Rebuild an image from the pixels of an .xgp file."),
    "export": (export.commands(), "Export a model for a server or a phone."),
    "inspect": ("inspect_file:inspect_file", "Show what a model file holds."),
    "serve-check": ("serve_check:serve_check", "Check a model on TensorFlow Serving with an image."),
    "import-checkpoint": ("import_checkpoint:import_checkpoint", "Make a model of a public TensorFlow 1 checkpoint."),
    "reproduce": ({
        paper: ({name: (f"tf_imgtrans.tables.{target}", text) for name, (target, text) in tables.items()}, summary)
        for paper, (summary, tables) in TABLES.items()
    }, "Measure the tables of a paper, and set them beside the published ones."),
}
DESCRIPTION = "Image-to-image translation papers in TensorFlow 2: train, measure, and ship to phones and servers."
# Flags that name a file to write, and the suffix of what is written; None where a command says itself what it takes.
WRITTEN = {"--json": ".json", "--per_image": ".csv", "--mask": ".png", "--out": None}
GO_ON = "a training run goes on with --resume, a table or a video by the same call"


def main(arguments=None):
  """Runs the command line; exits with its status."""
  arguments = sys.argv[1:] if arguments is None else list(arguments)
  for stream in (sys.stdout, sys.stderr):
    write_what_it_can(stream)
  flags = FLAGS.keys() & set(arguments)
  arguments = [word for word in arguments if word not in FLAGS]
  with _errors_as_messages(arguments), allowing(flags):
    sys.exit(_dispatch(arguments, COMMANDS, "tf-imgtrans") or 0)


def _dispatch(arguments, commands, program, description=DESCRIPTION):
  """Runs the command that the arguments name; returns its exit status. Only that command's module is imported."""
  import tyro

  name = arguments[0] if arguments else "--help"
  if name == "--version":
    print(f"tf-imgtrans {__version__}")
    return 0
  if name in commands:
    target, summary = commands[name]
    if isinstance(target, dict):
      return _dispatch(arguments[1:], target, f"{program} {name}", summary)
    command = load(target)
    if hasattr(command, "prepared"):  # a resumed training, whose defaults are those of its run
      command = command.prepared(arguments[1:])
    _check_outputs(arguments[1:])
    text = prepare(command)
    if {"-h", "--help"} & set(arguments):
      print(f"{text}\n")  # not by tyro, which would undo the lines of drawings
    found = tyro.cli(command, prog=f"{program} {name}", description="", args=arguments[1:], use_underscores=True)
    return getattr(found, "status", found)  # a table's report knows whether a row failed
  if name not in ("-h", "--help"):
    raise unknown_name("command" if not name.startswith("-") else "flag", name, [*commands, "--help"])
  print(overview(commands, program, description))
  return 0


def _check_outputs(arguments):
  """Refuses files to write that the call reads, or that are of another kind, for all commands: core.files.check_output."""
  words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
  for place, (flag, value) in enumerate(zip(words, words[1:])):
    if flag in WRITTEN and pathlib.Path(value).is_file():
      others = [word for other, word in enumerate(words) if other != place + 1 and os.path.isfile(word)]
      check_output(value, others, WRITTEN[flag])


@contextlib.contextmanager
def _errors_as_messages(arguments):
  """Turns foreseeable errors into one message, what to try next, and a status, and warnings into one line each.

  Status 2 for a wrong call; 1 for what went wrong on the way, such as a full disk or a loss that is not finite. The
  environment variable TF_IMGTRANS_TRACEBACK shows the whole story instead.
  """
  def show(message, category, filename, lineno, file=None, line=None):
    print(f"tf-imgtrans: warning: {message}", file=sys.stderr)

  raise_when_asked()
  with warnings.catch_warnings():
    warnings.showwarning = show
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    try:
      yield
    except KeyboardInterrupt as stop:
      number = getattr(stop, "number", signal.SIGINT)
      print(f"\ntf-imgtrans: stopped by {number.name}; {str(stop) or GO_ON}", file=sys.stderr)
      sys.exit(128 + number)
    except BrokenPipeError:  # nobody reads on, as in `tf-imgtrans --help | head`
      os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
      sys.exit(141)  # as of programs that the signal of a broken pipe ends
    except Exception as error:
      status = _status(error)
      if status is None or os.environ.get("TF_IMGTRANS_TRACEBACK"):
        raise
      print(f"tf-imgtrans: error: {error}", _next_step(error, status, arguments), sep="\n", file=sys.stderr)
      sys.exit(status)


def _next_step(error, status, arguments):
  """The line under an error: what to try next."""
  fault = fault_of(error)
  if fault is not None:
    return f"next: {REMEDIES[fault]}; what was finished is kept; {GO_ON}"
  if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's, not imported here
    return ("next: train with a smaller --config.batch_size, or predict with --memory_limit (GiB) or --tile (pixels), and "
            "with nothing else on the device")
  if status == 1:
    return f"next: what was finished is kept; {GO_ON}"
  level, path = COMMANDS, [program()]
  for name in arguments:
    if not isinstance(level, dict) or name not in level:
      break
    level, path = level[name][0], [*path, name]
  return f"next: {' '.join(path)} --help"


def _status(error):
  """Exit status for an error that a user can do something about; None for the rest, which are our faults."""
  if isinstance(error, (ValueError, FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError)):
    return 2
  from_tensorflow = type(error).__module__.startswith("tensorflow.")  # a class of its own, not worth importing for
  return 1 if isinstance(error, (OSError, ArithmeticError, MemoryError)) or from_tensorflow else None
