"""Feeds damaged and hostile files of every format to the commands: python tests/fuzz.py --seconds 7200 --seed 1

Each file is a mutation of a good one: flipped bits, cut, doubled and moved parts, extreme numbers, members of archives and
values of JSON changed and packed again. A command may read it or refuse it with a message. What it must not do: show a
traceback, crash, hang, take much memory, or change what it reads. A worker process runs the commands one after the other;
the parent watches it. Prints a table of what became of the files, and the file, command and words of each fault.
"""

import argparse
import collections
import contextlib
import hashlib
import io
import json
import pathlib
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

ROOT = pathlib.Path(__file__).parents[1]
LONGEST_S = 60.0  # that one file may take
MOST_BYTES = 1.5e9  # by which the worker may grow with one file
FAULTS = ("traceback", "crash", "hang", "memory", "changed")

# format -> (good file or folder below the folder of good files, command in which {} stands for it); in the order of turns
CASES = {
    **{kind: (f"photo.{kind}", "predict --model {good}/net.keras --out {out} {file}")
       for kind in ("png", "jpg", "webp", "tif", "bmp", "gif")},
    "keras": ("net.keras", "predict --model {file} --out {out} {good}/photo.png"),
    "keras inspected": ("net.keras", "inspect {file}"),
    "tflite": ("net.tflite", "predict --model {file} --out {out} {good}/photo.png"),
    "tflite inspected": ("net.tflite", "inspect {file}"),
    "SavedModel": ("served", "predict --model {file} --out {out} {good}/photo.png"),
    "SavedModel inspected": ("served", "inspect {file}"),
    "frozen graph": ("net.pb", "predict --model {file} --out {out} {good}/photo.png"),
    "xgp": ("photo.xgp", "decompress {file} --interpolate --out {out}/image.png"),
    "video": ("clip.mp4", "predict --model {good}/net.keras --out {out} {file}"),
    "npz": ("weights.npz", "LOAD {file}"),
    "mat": ("weights.mat", "LOAD {file}"),
    "checkpoint": ("run/checkpoints", "train mux_demux --resume --out {copy}"),
    "run.json": ("run/run.json", "train mux_demux --resume --out {copy}"),
    "packed data": ("packed", "train progressive_pan --data {file} --out {out}/run --preset tiny"),
}
SLOW = {"checkpoint": 12, "run.json": 12, "packed data": 12, "SavedModel": 3}  # rounds between two turns of a slow one


def make_good(folder):
  """Writes a good file of each format."""
  import cv2
  import numpy as np
  from PIL import Image
  from scipy.io import savemat

  from tf_imgtrans.cli.main import main
  from tf_imgtrans.recipes import create_generator

  rng = np.random.default_rng(0)
  photo = cv2.GaussianBlur(rng.integers(0, 256, (40, 56, 3)).astype(np.uint8), (5, 5), 0)
  for kind in ("png", "jpg", "webp", "tif", "bmp", "gif"):
    Image.fromarray(photo).save(folder / f"photo.{kind}")
  (folder / "photos").mkdir()
  for number in range(4):
    Image.fromarray(np.roll(np.tile(photo, (2, 2, 1)), number, 0)).save(folder / "photos" / f"{number}.png")
  writer = cv2.VideoWriter(str(folder / "clip.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (56, 40))
  for number in range(4):
    writer.write(np.roll(photo, number, 1))
  writer.release()
  network = create_generator("mux_demux_hp", growth_half=2, growth_quarter=2)
  network(np.zeros((1, 32, 32, 3), np.float32))
  network.save(folder / "net.keras")
  arrays = {f"block1_conv1__{name}": rng.random(shape).astype(np.float32) for name, shape in (
      ("kernel", (3, 3, 3, 64)), ("bias", (64,)))}
  np.savez(folder / "weights.npz", **arrays)
  savemat(folder / "weights.mat", {"layers": np.array([[{"name": "conv1_1", "weights": np.array(
      [arrays["block1_conv1__kernel"], arrays["block1_conv1__bias"]], object)}]], object)}, do_compression=True)
  for call in (f"export tflite --model {folder}/net.keras --out {folder}/net.tflite",
               f"export saved-model --model {folder}/net.keras --out {folder}/served",
               f"export frozen-graph --model {folder}/net.keras --out {folder}/net.pb",
               f"compress {folder}/photo.png --out {folder}/photo.xgp --points 10%",
               f"data pack --data {folder}/photos --out {folder}/packed --size 32",
               f"train mux_demux --data {folder}/photos --out {folder}/run --preset tiny --config.iterations 2 "
               "--checkpoint_every 1 --log_every 1 --validate_every 2"):
    with contextlib.suppress(SystemExit):
      main(call.split())


# Mutations.

NUMBERS = [0, 1, -1, 2 ** 31 - 1, -2 ** 31, 2 ** 32, 2 ** 62, 1e308, -1e308, 0.5]
VALUES = [None, True, "", "x" * 1000, "../../etc/passwd", [], {}, [[[]]], "\x1b[31m", "\udc80", *NUMBERS]


def mutated(content, rng):
  """Bytes that differ from `content`; archives and JSON are mostly changed in what they hold."""
  if content[:2] == b"PK" and rng.random() < 0.7:
    with contextlib.suppress(Exception):
      return _rezipped(content, rng)
  if content[:1] in b"{[" and rng.random() < 0.8:
    with contextlib.suppress(ValueError):
      value = json.loads(content)
      for _ in range(rng.randint(1, 3)):
        value = _changed_value(value, rng)
      return json.dumps(value).encode()
  data = bytearray(content)
  for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
    data = rng.choice(_CHANGES)(data, rng) or bytearray(b"\0")
  return bytes(data)


def _rezipped(content, rng):
  made = io.BytesIO()
  with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", rng.choice((0, 8))) as new:
    names = old.namelist()
    wrong = rng.choice(names)
    for name in names:
      part = old.read(name)
      if name == wrong and rng.random() < 0.1:
        continue
      new.writestr(name, mutated(part, rng) if name == wrong else part)
  return made.getvalue()


def _changed_value(value, rng):
  if isinstance(value, dict) and value and rng.random() < 0.9:
    key = rng.choice(list(value))
    if rng.random() < 0.1:
      return {other: each for other, each in value.items() if other != key}
    return value | {key: _changed_value(value[key], rng)}
  if isinstance(value, list) and value and rng.random() < 0.9:
    place = rng.randrange(len(value))
    return [*value[:place], _changed_value(value[place], rng), *value[place + 1:]]
  return rng.choice(VALUES)


def _place(data, rng):
  """A place in the data; often in its first bytes, where sizes stand."""
  return rng.randrange(min(len(data), 64) if rng.random() < 0.5 else len(data))


def _flip(data, rng):
  data[_place(data, rng)] ^= 1 << rng.randrange(8)
  return data


def _set(data, rng):
  data[_place(data, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
  return data


def _number(data, rng):
  place = _place(data, rng)
  width = rng.choice((2, 4, 8))
  number = rng.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1), 2 ** (8 * width - 1) - 1, 10 ** 4))
  data[place:place + width] = number.to_bytes(width, rng.choice(("little", "big")))
  return data


def _cut(data, rng):
  return data[:_place(data, rng)]


def _remove(data, rng):
  place = _place(data, rng)
  del data[place:place + rng.choice((1, 4, 100))]
  return data


def _double(data, rng):
  place = _place(data, rng)
  data[place:place] = data[place:place + rng.choice((1, 16, 1000))] * rng.choice((1, 50))
  return data


def _noise(data, rng):
  place = _place(data, rng)
  data[place:place + 16] = rng.randbytes(16)
  return data


_CHANGES = (_flip, _flip, _set, _set, _number, _number, _cut, _remove, _double, _noise)


def mutate(source, target, rng):
  """Writes a mutation of a file, or a copy of a folder with one file of it mutated."""
  if source.is_dir():
    shutil.copytree(source, target)
    files = sorted(path for path in target.rglob("*") if path.is_file())
    wrong = rng.choice(files)
  else:
    wrong = target
    target.write_bytes(source.read_bytes())
  wrong.write_bytes(mutated(wrong.read_bytes(), rng))


# The worker: one command after the other.

def work():
  """Reads command lines, one JSON list a line; writes what became of each."""
  from tf_imgtrans.cli.main import main
  from tf_imgtrans.core.startup import start_tensorflow

  start_tensorflow()
  channel = sys.stdout
  sys.stdout = sys.stderr
  print("ready", file=channel, flush=True)
  for line in sys.stdin:
    words = json.loads(line)
    before, said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
      outcome, reason = _outcome(main if words[0] != "LOAD" else _load, words)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if grown > MOST_BYTES:
      outcome, reason = "memory", f"{grown / 1e9:.1f} GB; {reason}"
    print(json.dumps([outcome, reason, said.getvalue()[-300:]]), file=channel, flush=True)


def _load(words):
  """Weights of VGG19, for which there is no command of its own."""
  from tf_imgtrans.cli.main import _errors_as_messages
  from tf_imgtrans.losses.vgg19 import Vgg19Features

  with _errors_as_messages(words):
    Vgg19Features(("block1_conv1",), words[1])
  sys.exit(0)


def _outcome(run, words):
  try:
    run(words)
  except SystemExit as stopped:
    return ("read" if not stopped.code else "refused"), ""
  except BaseException as error:  # noqa: BLE001 - whatever comes through is the fault that is looked for
    import traceback
    return "traceback", "".join(traceback.format_exception(error)[-3:])
  return "read", ""


class Worker:
  """A child that runs commands, started anew after a crash or a hang."""

  def __init__(self):
    self.child = None

  def __call__(self, words):
    """(outcome, reason, last words)."""
    if self.child is None:
      self.child = subprocess.Popen([sys.executable, __file__, "--work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL, text=True, cwd=ROOT)
      assert self.child.stdout.readline() == "ready\n", "the worker does not start"
    self.child.stdin.write(json.dumps(words) + "\n")
    self.child.stdin.flush()
    if not select.select([self.child.stdout], [], [], LONGEST_S)[0]:
      self.close()
      return "hang", f"{LONGEST_S:g} s", ""
    line = self.child.stdout.readline()
    if not line:
      code = self.child.wait()
      self.child = None
      return "crash", f"exit {code}", ""
    return json.loads(line)

  def close(self):
    if self.child is not None:
      self.child.kill()
      self.child.wait()
      self.child = None


def fuzz(seconds, seed, kinds, folder):
  """Runs until the time is over: ({kind: Counter of outcomes}, list of faults)."""
  good = folder / "good"
  good.mkdir()
  make_good(good)
  counts, faults, worker = {kind: collections.Counter() for kind in kinds}, [], Worker()
  end, turn = time.monotonic() + seconds, 0
  while time.monotonic() < end:
    for kind in kinds:
      if time.monotonic() > end or turn % SLOW.get(kind, 1):
        continue
      outcome, fault = one(worker, kind, f"{seed}-{turn}-{kind}", good, folder)
      counts[kind][outcome] += 1
      if fault:
        faults.append(fault)
    turn += 1
  worker.close()
  return counts, faults


def one(worker, kind, name, good, folder):
  """(outcome, fault in words or None) of one mutation, which `name` determines."""
  rng = random.Random(name)
  source, command = good / CASES[kind][0], CASES[kind][1]
  place = folder / "turn"
  shutil.rmtree(place, ignore_errors=True)
  place.mkdir()
  copy = place / "run"
  if "{copy}" in command:
    shutil.copytree(good / "run", copy)
    file = copy / source.relative_to(good / "run")
    shutil.rmtree(file) if file.is_dir() else file.unlink()
  else:
    file = place / f"mutated{source.suffix}"
  mutate(source, file, rng)
  before = {} if "{copy}" in command else hashes(file)
  words = [word.format(good=good, out=place / "out", file=file, copy=copy) for word in command.split()]
  outcome, reason, said = worker(words)
  if before and hashes(file) != before:
    outcome = "changed"
  return outcome, f"{kind}: {outcome} of {name}: {reason} {said}" if outcome in FAULTS else None


def hashes(path):
  """{name: digest} of a file, or of the files of a folder."""
  files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
  return {str(each): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def report(counts, faults):
  """The table, and the faults in words."""
  columns = ("read", "refused", *FAULTS)
  rows = [["format", "files", *columns]]
  rows += [[kind, count.total(), *(count[column] for column in columns)] for kind, count in counts.items()]
  total = sum(counts.values(), collections.Counter())
  rows.append(["all", total.total(), *(total[column] for column in columns)])
  lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
  return "\n".join([lines[0], "| --- " * len(rows[0]) + "|", *lines[1:], *faults])


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--seconds", type=float, default=120.0)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--formats", nargs="+", choices=list(CASES), default=list(CASES))
  parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
  options = parser.parse_args()
  if options.work:
    work()
    return 0
  with tempfile.TemporaryDirectory() as folder:
    counts, faults = fuzz(options.seconds, options.seed, options.formats, pathlib.Path(folder))
  print(report(counts, faults))
  return 1 if faults else 0


if __name__ == "__main__":
  sys.path.insert(0, str(ROOT))
  sys.exit(main())
