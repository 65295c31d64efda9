"""Runs the command line up to a given moment, says "stalled" on its standard output, and waits there to be killed.

Usage: python stalled_command.py MOMENT NAME COUNT ARGUMENT...
The moment comes at the COUNT-th time that
  half-checkpoint   half of the bytes of a checkpoint are written (NAME is any)
  half-line         half of a line that holds NAME is written to scalars.jsonl
  before, after     a file NAME is about to get, or has just got, its final name
"""

import io
import json
import os
import pathlib
import signal
import sys

import numpy as np

from tf_imgtrans.cli.main import main

seen = 0


def is_now():
  """Counts the times; True at the one that was asked for."""
  global seen
  seen += 1
  return seen == COUNT


def stall(file=None):
  if file is not None:
    file.flush()
  print("stalled", flush=True)
  while True:
    signal.pause()


def halved_savez(file, **arrays):
  if not is_now():
    return savez(file, **arrays)
  content = io.BytesIO()
  savez(content, **arrays)
  file.write(content.getvalue()[:content.tell() // 2])
  stall(file)


def halved_dumps(value, **options):
  text = dumps(value, **options)
  if "kind" in value and NAME in text and is_now():
    with open(pathlib.Path(sys.argv[sys.argv.index("--out") + 1]) / "scalars.jsonl", "a") as file:
      file.write(text[:len(text) // 2])
      stall(file)
  return text


def stalling_replace(source, target):
  now = pathlib.Path(target).name == NAME and is_now()
  if now and MOMENT == "before":
    stall()
  replace(source, target)
  if now:
    stall()


MOMENT, NAME, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
savez, dumps, replace = np.savez, json.dumps, os.replace
if MOMENT == "half-checkpoint":
  np.savez = halved_savez
elif MOMENT == "half-line":
  json.dumps = halved_dumps
else:
  os.replace = stalling_replace
main(sys.argv[4:])
