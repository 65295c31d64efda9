"""Videos: a model applied to every frame, through a folder of frames from which a killed run can resume."""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import sys
from collections.abc import Callable
from typing import Any

import cv2
from tqdm import tqdm

from tf_imgtrans.core.claims import claimed
from tf_imgtrans.core.files import atomic_path, read_json, remove_leftovers, write_json
from tf_imgtrans.core.images import read_uint8, write_image
from tf_imgtrans.core.networks import digest, noise_mode
from tf_imgtrans.inference.models import LoadedModel
from tf_imgtrans.inference.predict import AHEAD, AnySize

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when the first video is opened; our own messages name the file

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}  # tried in this order: motion JPEG is in every build of OpenCV
NOTE = "source.json"  # in a folder of frames: what they depend on
_OURS = re.compile(r"\d{8,}\.png|source\.json|\.writing-.*")  # names in a folder of frames
TOLERATED = 0.01  # share of missing frames that is accepted; ours, as headers of complete files are rarely exact


class UnreadableVideo(ValueError):
  """A file that is not a readable video, or ends too early; the message names it."""


def is_video(path):
  """bool, by the suffix."""
  return pathlib.Path(path).suffix.lower() in VIDEO_SUFFIXES


def predict_video(model: LoadedModel | Callable, path: str | pathlib.Path, output: str | pathlib.Path,
                  keep_frames: bool = False, progress: bool = True, **sizes: Any) -> pathlib.Path:
  """Applies a model to the frames of a video, one by one, and writes a video of the same frame rate.

  Each frame is written as out/.<stem>.frames/00000000.png at first. A killed run continues after the existing frames if
  file and weights are the same; the folder is removed when the video is complete and all its frames could be read back.
  Folders of frames of earlier runs are replaced, those that hold anything else are not. Decoding and writing run in
  parallel to the model. Noise of mode "random" is "fixed", so that it is the same in all frames. Sound is not kept. OpenCV
  writes only even sizes: for odd ones the last row or column is repeated.

  Args:
    model: LoadedModel or callable: float32 [1, H, W, 3] in [0, 1] -> [1, sH, sW, 3].
    path: str or Path of a video that OpenCV reads.
    output: str or Path of the video, .mp4; if OpenCV cannot write that, .avi is used.
    keep_frames: bool, whether the frames are kept in out/<stem>.frames/.
    progress: bool, whether a bar with the remaining time is drawn on the error stream.
    **sizes: `tile`, `memory_limit`, `overlap`, `statistics` and `strength` of `predict.AnySize`.
  Returns:
    Path of the video that was written.
  Raises:
    FileNotFoundError: no such file.
    UnreadableVideo: it is damaged, or has fewer frames than its header states.
    ValueError: a folder of frames holds something else, and is left alone; or another process makes the same video.
    OSError: what was written cannot be read back, as on a full disk; the frames stay.
  """
  path, output = pathlib.Path(path), pathlib.Path(output)
  with claimed(output.parent, [f"{output.stem}.frames"], f"the making of {output.name}"):
    return _predict_video(model, path, output, keep_frames, progress, sizes)


def _predict_video(model, path, output, keep_frames, progress, sizes):
  with contextlib.closing(_Frames(path)) as frames:
    folder, kept = (output.parent / f"{start}{output.stem}.frames" for start in (".", ""))
    if keep_frames:
      _check_ours(kept)
    _prepare(folder, _identity(model, path, sizes))
    network = getattr(model, "keras_model", None)
    renew = getattr(getattr(model, "run", None), "renew", lambda: None)
    renew()  # graphs that were traced before keep their noise mode
    try:
      with noise_mode(network):
        count = _predict_frames(AnySize(model, ahead=AHEAD, **sizes), frames, folder, progress)
    finally:
      renew()
  missing = frames.promised - count
  if count == 0 or missing > max(1, TOLERATED * frames.promised):
    raise UnreadableVideo(f"{path}: only {count} of {frames.promised} frames can be read: "
                          "the video is damaged or cut short")
  written = _assemble(folder, count, output, frames.rate)
  if keep_frames:
    _remove(kept)
    folder.rename(kept)
  else:
    shutil.rmtree(folder)
  return written


class _Frames:
  """Frames of a video in their order.

  Attributes:
    promised: int, number of frames in the file's header; 0 if it is missing.
    rate: float, frames a second.
  """

  def __init__(self, path):
    if not path.is_file():
      raise FileNotFoundError(f"{path}: no such file")
    self.capture = _quietly(lambda: cv2.VideoCapture(str(path)))
    if not self.capture.isOpened():
      raise UnreadableVideo(f"{path}: not a video, damaged or cut short, or of a kind that OpenCV cannot read")
    self.promised = max(int(self.capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    rate = self.capture.get(cv2.CAP_PROP_FPS)
    self.rate = rate if 0 < rate < 1000 else 25.0  # a file without one

  def next(self, wanted=True):
    """The next frame, uint8 [H, W, 3] in RGB, or True if its pixels are not needed; None after the last."""
    if not wanted:
      return True if self.capture.grab() else None
    there, frame = self.capture.read()
    return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if there else None

  def close(self):
    self.capture.release()


def _quietly(work):
  """Suppresses OpenCV's own messages on damaged files: ours name the file."""
  level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
  try:
    return work()
  finally:
    cv2.utils.logging.setLogLevel(level)


def _identity(model, path, sizes):
  """Everything that the frames of a run depend on: dict for a JSON file."""
  status = path.stat()
  network = getattr(model, "keras_model", None)
  file = getattr(model, "path", None)
  return {"video": str(path.resolve()), "bytes": status.st_size, "changed": status.st_mtime,
          "model": digest(network) if network is not None else [str(file), file.stat().st_mtime] if file else None,
          "noise": getattr(network, "noise", None), "scale": int(getattr(model, "scale", 1)),
          "sizes": repr(sorted(sizes.items()))}


def _prepare(folder, identity):
  """Makes the folder of frames, and empties it if its frames are from another video or model."""
  note = folder / NOTE
  if folder.exists() and not (note.is_file() and _content(note) == identity):
    _remove(folder)
  if not folder.exists():
    folder.mkdir(parents=True)
    write_json(note, identity)
  remove_leftovers(folder)


def _check_ours(folder):
  """Raises ValueError where a folder holds anything but frames of an earlier run."""
  found = list(folder.iterdir()) if folder.exists() else []
  others = [path for path in found if not _OURS.fullmatch(path.name)]
  if others or found and not (folder / NOTE).is_file():
    raise ValueError(f"{folder} holds {(others or found)[0].name}, which is of no earlier run: move the folder away, or "
                     "choose another --out")


def _remove(folder):
  """Removes a folder of frames of an earlier run, if there is one; ValueError where it holds anything else."""
  _check_ours(folder)
  if folder.exists():
    shutil.rmtree(folder)


def _content(note):
  try:
    return read_json(note)
  except ValueError:
    return None


def _file(folder, index):
  return folder / f"{index:08d}.png"


def _predict_frames(enhance, frames, folder, progress):
  """Writes the missing frames; returns the number of frames of the video."""
  def following(index):
    return frames.next(wanted=not _file(folder, index).exists())

  writing = collections.deque()
  # One thread reads, as frames are decoded in order; others encode the finished frames.
  with concurrent.futures.ThreadPoolExecutor(1) as reader, concurrent.futures.ThreadPoolExecutor(AHEAD) as writer, \
       tqdm(total=frames.promised or None, unit="frame", disable=not progress, file=sys.stderr) as bar:
    reading = collections.deque(reader.submit(following, index) for index in range(AHEAD))
    index = 0
    while (frame := reading.popleft().result()) is not None:
      reading.append(reader.submit(following, index + AHEAD))
      if frame is not True:
        writing.append(writer.submit(write_image, _file(folder, index), enhance(frame)))
      while len(writing) > AHEAD:
        writing.popleft().result()
      index += 1
      bar.update()
    while writing:
      writing.popleft().result()
  return index


def _assemble(folder, count, output, rate):
  """Makes the video from the frames; returns its path."""
  for suffix, codec in CODECS.items():
    target = output.with_suffix(suffix)
    with atomic_path(target) as temporary:
      if _encode(folder, count, temporary, codec, rate):
        _check_written(temporary, target, count, folder)
        return target
      temporary.write_bytes(b"")
    target.unlink()
  raise ValueError(f"{output}: OpenCV can write neither {' nor '.join(CODECS.values())}; the frames are in {folder}")


def _check_written(written, target, count, folder):
  """Decodes a video that was just written; OpenCV's writer is silent when a disk is full."""
  capture = _quietly(lambda: cv2.VideoCapture(str(written)))
  found = 0
  while capture.grab():
    found += 1
  capture.release()
  if found != count:
    free = shutil.disk_usage(target.parent).free / 1e6
    raise OSError(f"{target}: of {count} frames that were written {found} can be read back; {free:,.0f} MB are free there: "
                  f"free some more, and call again: the frames are kept in {folder}")


def _encode(folder, count, target, codec, rate):
  """Writes the frames into one file; False if the codec is missing."""
  writer = None
  try:
    for index in range(count):
      frame = cv2.cvtColor(read_uint8(_file(folder, index)), cv2.COLOR_RGB2BGR)
      height, width = frame.shape[:2]
      frame = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
      if writer is None:
        writer = _quietly(lambda: cv2.VideoWriter(str(target), cv2.VideoWriter_fourcc(*codec), rate, frame.shape[1::-1]))  # noqa: B023
        if not writer.isOpened():
          return False
      writer.write(frame)
  finally:
    if writer is not None:
      writer.release()
  return True
