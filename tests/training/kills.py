"""Kills trainings of each paper at random moments, resumes them, and compares their end with a run that was left alone.

By hand: python tests/training/kills.py --kills 16 --seed 1 [--papers x_gans ...]

Every other kill comes while a checkpoint is half written, the others a random time after a line of the log. Prints a
table of papers, kills and whether the ends are equal.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from training_helpers import TINY_FLAGS, assert_same_runs, child, photographs  # noqa: E402 - found by the path above

EVERY = ("--log_every", "1", "--validate_every", "4", "--checkpoint_every", "2")
PAPERS = {
    "mux_demux": TINY_FLAGS, "x_gans": ("--preset", "tiny"),
    "feature_pyramid_pan": ("--preset", "tiny", "--config.task", "super_resolution"),
    "progressive_pan": ("--preset", "tiny", "--config.fade", "0"),
}


LENGTH = {"progressive_pan": "--config.stable"}  # flag of the number of steps; of the others the next


def check(paper, kills, seed, folder):
  """Trains a paper whole and killed; AssertionError where the two ends differ.

  Args:
    paper: str, one of PAPERS.
    kills: int, how often the second run is killed; it has two steps for each.
    seed: int, of the moments.
    folder: Path of an empty folder.
  """
  rng = random.Random(f"{seed} {paper}")
  data, whole, parts = photographs(folder / "photographs"), folder / "whole", folder / "parts"
  train = ("train", paper, *PAPERS[paper], *EVERY, LENGTH.get(paper, "--config.iterations"), 2 * (kills + 1))
  with child("-m", "tf_imgtrans", *train, "--data", data, "--out", whole) as command:
    command.finish()
  for number in range(kills):
    words = (*train, "--data", data, "--out", parts) if number == 0 else ("train", paper, "--out", parts, "--resume")
    if number % 2 == 0:
      with child(HERE / "stalled_command.py", "half-checkpoint", "any", 2 if number == 0 else 1, *words) as command:
        while command.read_line() != "stalled":  # the schedule of a growing network comes first
          pass
        command.kill()
    else:
      _kill_somewhere(words, parts / "scalars.jsonl", rng)
  with child("-m", "tf_imgtrans", "train", paper, "--out", parts, "--resume") as command:
    command.finish()
  assert_same_runs(whole, parts)


def _kill_somewhere(words, log, rng):
  """Kills a training a random time after its first new line of the log, unless it ends before."""
  before, wait = log.read_bytes(), rng.uniform(0, 1.5)
  with child("-m", "tf_imgtrans", *words) as command:
    while command.process.poll() is None and log.read_bytes() == before:
      time.sleep(0.005)
    time.sleep(wait)
    command.process.kill()
    command.process.wait()


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--kills", type=int, default=4)
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument("--papers", nargs="+", choices=list(PAPERS), default=list(PAPERS))
  options = parser.parse_args()
  print("| paper | kills | the end equals that of the whole run |\n| --- | --- | --- |")
  failed = False
  for paper in options.papers:
    with tempfile.TemporaryDirectory() as folder:
      try:
        check(paper, options.kills, options.seed, pathlib.Path(folder))
        said = "yes"
      except AssertionError as error:
        failed, said = True, f"no: {error}"
    print(f"| {paper} | {options.kills} | {said} |", flush=True)
  return 1 if failed else 0


if __name__ == "__main__":
  sys.exit(main())
