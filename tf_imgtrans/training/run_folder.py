"""The folder of one run: run.json, effort.json, checkpoints/, scalars.jsonl, previews/, tensorboard/, saved generators."""

import contextlib
import json
import os
import pathlib

import tensorflow as tf

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.disk_faults import writing
from tf_imgtrans.core.files import atomic_path, read_json, remove_leftovers, write_bytes, write_json
from tf_imgtrans.core.images import write_image
from tf_imgtrans.core.networks import float32_twin
from tf_imgtrans.core.runs import read_run

PATHS = ("vgg_weights", "patches", "initial_weights")  # fields of configurations that name files of one machine
EFFORT = "effort.json"
BOARD = "tensorboard"  # folder
WINDOW = "window.json"


class RunFolder:
  """Writes what a run leaves behind; with `writes` off (workers above the first) it only reads.

  scalars.jsonl holds one JSON object a line, {"step", "kind": "train" or "validation", values}: only values that
  follow from the seed, so that a resumed run writes the same bytes. Times go to TensorBoard.

  Args:
    path: str or Path.
    writes: bool.
  """

  def __init__(self, path, writes=True):
    self.path = pathlib.Path(path)
    self.writes = writes
    self.checkpoints = self.path / "checkpoints"
    self.scalars = self.path / "scalars.jsonl"
    self._board = None
    self._described = None

  def _write(self, description):
    self._described = description
    write_json(self.path / "run.json", description)

  def start(self, description):
    """Writes run.json; the folder must be new, or hold no run. Only the writer looks: others may come after it.

    Raises:
      ValueError: the folder holds a run already.
    """
    if not self.writes:
      return
    if any(self.checkpoints.glob("step-*.npz")) or self.records():  # a run.json alone is a start that failed
      raise ValueError(f"{self.path} holds a run already: go on with --resume, or choose another --out")
    self._write(description)

  def resume(self, description):
    """Writes run.json of a resumed run anew: more steps, or other versions than at its start.

    Raises:
      ValueError: the data, or weights that the losses use, are not those that the run was started with.
    """
    former = self.description()
    for what in ("data", "provenance"):
      if former.get(what) != description[what]:
        raise ValueError(f"{what} changed since the run in {self.path} was started: {former.get(what)} then, "
                         f"{description[what]} now; a resumed run needs the same files")
    if self.writes:
      self._write(description)

  def description(self):
    """The content of run.json, the name of the recipe under "recipe" (version 0.1.0 has it under "paper").

    Raises:
      FileNotFoundError: not a run folder.
    """
    try:
      return read_run(self.path)
    except FileNotFoundError:
      raise FileNotFoundError(f"{self.path} holds no run.json, so there is nothing to resume: leave --resume out") from None

  def rewind(self, step):
    """Takes the folder back to `step`: later lines of scalars.jsonl go, and leftovers of a killed process."""
    if not self.writes:
      return
    for folder in (self.path, self.checkpoints, self.path / "previews"):
      remove_leftovers(folder)
    lines = [json.dumps(record) for record in self.records() if record["step"] <= step]
    write_bytes(self.scalars, "".join(f"{line}\n" for line in lines).encode())
    for events in (self.path / BOARD).glob("events.out.tfevents.*"):
      _rewind_events(events, step)

  def keep_window(self, step, terms):
    """Keeps the loss terms of the steps since the last log, of a run that stops between two: list of dict of floats."""
    if self.writes:
      write_json(self.path / WINDOW, {"step": step, "terms": terms})

  def window(self, step):
    """What `keep_window` kept at the step that a run goes on from; empty where it stopped at a log."""
    path = self.path / WINDOW
    if not path.is_file():
      return []
    found = read_json(path)
    if self.writes:
      path.unlink()
    terms = found.get("terms")
    return terms if found.get("step") == step and isinstance(terms, list) else []

  def claimed(self):
    """A context in which no other process writes this run; only the writer asks."""
    return claimed(self.path, ["run.json"], "a training") if self.writes else contextlib.nullcontext()

  def records(self):
    """The records of scalars.jsonl; a last line that a killed process left unfinished is passed over.

    Raises:
      ValueError: another line is damaged.
    """
    records = []
    for number, line in enumerate(self.scalars.read_bytes().splitlines(keepends=True) if self.scalars.exists() else (), 1):
      if not line.endswith(b"\n"):
        break
      try:
        records.append(_record(line))
      except (ValueError, RecursionError) as error:
        raise ValueError(f"{self.scalars}, line {number} is damaged ({error}): put it right, or start the run anew in "
                         "another folder") from None
    return records

  def log(self, step, kind, values, speed=None):
    """Appends one record to scalars.jsonl, and the same values and the speed (images/s) to TensorBoard."""
    if not self.writes:
      return
    with writing(self.scalars), open(self.scalars, "a") as file:
      file.write(json.dumps({"step": step, "kind": kind, **values}) + "\n")
    with self._board_at(step):
      for name, value in values.items():
        tf.summary.scalar(f"{kind}/{name}", value)
      if speed is not None:
        tf.summary.scalar("images_per_second", speed)

  def record_effort(self, start, step, seconds, images, parameters):
    """Writes effort.json: what the run has cost up to `step`; a full disk loses that alone.

    Args:
      start, step: ints, the steps between which this call has trained.
      seconds: float, that it took, with validations; those of the calls before it stay.
      images: int, training images that the steps have seen.
      parameters: int, of the generator.
    """
    calls = [call for call in self.effort().get("calls", []) if call["until"] <= start]
    calls.append({"from": start, "until": step, "seconds": round(seconds, 1)})
    with contextlib.suppress(OSError):
      write_json(self.path / EFFORT, {"seconds": round(sum(call["seconds"] for call in calls), 1), "images": images,
                                      "parameters": parameters, "calls": calls})

  def effort(self):
    """The content of effort.json: dict, empty of a run of version 0.1.0."""
    path = self.path / EFFORT
    return read_json(path) if path.is_file() else {}

  def preview(self, step, sheet):
    """Writes a preview sheet, uint8 [H, W, 3], to previews/ and to TensorBoard."""
    if not self.writes:
      return
    write_image(self.path / "previews" / f"step-{step:08d}.png", sheet)
    with self._board_at(step):
      tf.summary.image("preview", sheet[None])

  def save_generator(self, generator, name):
    """Writes NAME.keras in float32, whole or not at all. The file carries the recipe and the configuration."""
    if self.writes:
      twin = float32_twin(generator)
      twin.task = self._task_of(twin)
      with atomic_path(self.path / f"{name}.keras") as temporary:
        twin.save(temporary)

  def _task_of(self, network):
    """What a network is for, as a saved file keeps it: without paths of this machine; None where nothing was recorded.

    The configuration is that of the run, with the network's own fields: a smaller generator of a growing one differs.
    """
    if self._described is None:
      return None
    config, own = self._described["config"], getattr(network, "config", None)
    config = {name: getattr(own, name, value) if name in getattr(network, "architecture", ()) else value
              for name, value in config.items() if name not in PATHS}
    return {"recipe": self._described["recipe"], "task": self._described["task"], "config": config}

  def flush(self):
    """Brings the logs to the disk, so that a checkpoint never outlives the lines before it."""
    if self._board is not None:
      with writing(self.path / BOARD):
        self._board.flush()
    if self.scalars.exists() and self.writes:
      with writing(self.scalars), open(self.scalars, "a") as file:
        os.fsync(file.fileno())

  @contextlib.contextmanager
  def _board_at(self, step):
    """Within it, summaries go to TensorBoard's file."""
    with writing(self.path / BOARD):
      if self._board is None:
        self._board = tf.summary.create_file_writer(str(self.path / BOARD))
      with self._board.as_default(step):
        yield


def _record(line):
  """A record of scalars.jsonl. ValueError where the line is none."""
  found = json.loads(line)
  if not isinstance(found, dict) or not isinstance(found.get("step"), int):
    raise ValueError("no record of a step")
  return found


def _rewind_events(path, step):
  """Takes later steps out of a file of TensorBoard, which would show steps twice that are made again."""
  from tensorflow.core.util.event_pb2 import Event

  kept = []
  with contextlib.suppress(tf.errors.DataLossError):  # a killed process left its last record unfinished
    for record in tf.data.TFRecordDataset(os.fsencode(path)).as_numpy_iterator():
      if Event.FromString(record).step <= step:
        kept.append(record)
  with atomic_path(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
    for record in kept:
      writer.write(record)
