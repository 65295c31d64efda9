"""Videos: frames in, frames out, damaged files, and runs that were killed."""

import threading

import cv2
import keras
import numpy as np
import pytest

from tf_imgtrans.core.images import read_uint8
from tf_imgtrans.inference import video
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.inference.video import UnreadableVideo, predict_video
from tf_imgtrans.layers import NoiseChannels

FRAMES, RATE = 10, 12.5


def make_clip(path, frames=FRAMES, size=(48, 64), codec="mp4v"):
  """Grey frames that grow lighter; sizes are (height, width)."""
  writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), RATE, size[::-1])
  assert writer.isOpened()
  for index in range(frames):
    writer.write(np.full((*size, 3), 40 + 10 * index, np.uint8))
  writer.release()
  return path


def frames_of(path):
  capture, frames = cv2.VideoCapture(str(path)), []
  while (read := capture.read())[0]:
    frames.append(read[1][..., ::-1])
  assert capture.get(cv2.CAP_PROP_FPS) == RATE
  return frames


def darken(images):
  return images * 0.5


@pytest.fixture
def clip(tmp_path):
  return make_clip(tmp_path / "clip.mp4")


def test_a_clip(clip, tmp_path):
  written = predict_video(darken, clip, tmp_path / "out" / "clip.mp4", progress=False)
  assert written == tmp_path / "out" / "clip.mp4"
  assert [path.name for path in written.parent.iterdir()] == ["clip.mp4"]
  frames = frames_of(written)
  assert len(frames) == FRAMES and frames[0].shape == (48, 64, 3)
  for index, frame in enumerate(frames):
    assert abs(frame.mean() - (40 + 10 * index) / 2) < 5  # the codec loses a little, twice


def test_frames_can_stay_and_sizes_can_grow(clip, tmp_path):
  class Twice:
    scale = 2

    def __call__(self, images):
      return images.repeat(2, 1).repeat(2, 2)

  written = predict_video(Twice(), clip, tmp_path / "out" / "clip.mp4", keep_frames=True, progress=False)
  kept = sorted((tmp_path / "out" / "clip.frames").glob("*.png"))
  assert [path.name for path in kept] == [f"{index:08d}.png" for index in range(FRAMES)]
  assert read_uint8(kept[0]).shape == frames_of(written)[0].shape == (96, 128, 3)


def test_odd_sizes_grow_by_one(clip, tmp_path):
  written = predict_video(lambda images: images[:, :47, :61], clip, tmp_path / "out" / "clip.mp4", True, progress=False)
  assert read_uint8(tmp_path / "out" / "clip.frames" / "00000000.png").shape == (47, 61, 3)
  assert frames_of(written)[0].shape == (48, 62, 3)


def test_a_killed_run_goes_on(clip, tmp_path):
  calls = []

  def dies(images):
    calls.append(images)
    if len(calls) == 6:
      raise KeyboardInterrupt
    return darken(images)

  with pytest.raises(KeyboardInterrupt):
    predict_video(dies, clip, tmp_path / "out" / "clip.mp4", progress=False)
  folder = tmp_path / "out" / ".clip.frames"
  there = {path: path.stat().st_mtime_ns for path in folder.glob("*.png")}
  assert 3 <= len(there) <= 5 and not (tmp_path / "out" / "clip.mp4").exists()
  calls.clear()

  def counted(images):
    calls.append(images)
    return darken(images)

  seen = []
  original = video._assemble

  def watched(folder, *arguments):
    seen.append({path: path.stat().st_mtime_ns for path in there})
    return original(folder, *arguments)

  video._assemble = watched
  try:
    predict_video(counted, clip, tmp_path / "out" / "clip.mp4", progress=False)
  finally:
    video._assemble = original
  assert len(calls) == FRAMES - len(there) and seen == [there]  # what was there was not written again
  assert len(frames_of(tmp_path / "out" / "clip.mp4")) == FRAMES and not folder.exists()


def test_frames_of_another_run_are_not_taken(clip, tmp_path):
  folder = tmp_path / "out" / ".clip.frames"
  folder.mkdir(parents=True)
  (folder / "source.json").write_text("{}")
  (folder / "00000000.png").write_text("of another model")
  predict_video(darken, clip, tmp_path / "out" / "clip.mp4", progress=False)
  assert abs(frames_of(tmp_path / "out" / "clip.mp4")[0].mean() - 20) < 5


@pytest.mark.parametrize("name", ["clip.frames", ".clip.frames"])
@pytest.mark.parametrize("files", [["notes.txt"], ["00000000.png"], ["00000000.png", "source.json", "holiday.png"]])
def test_a_folder_of_the_user_is_left_alone(name, files, clip, tmp_path):
  folder = tmp_path / "out" / name
  folder.mkdir(parents=True)
  for file in files:
    (folder / file).write_text("mine")
  with pytest.raises(ValueError, match=f"{name} holds .*, which is of no earlier run: move the folder away"):
    predict_video(darken, clip, tmp_path / "out" / "clip.mp4", keep_frames=True, progress=False)
  assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(files, "mine")
  assert not (tmp_path / "out" / "clip.mp4").exists()


def test_kept_frames_of_an_earlier_run_are_replaced(clip, tmp_path):
  for model in (darken, lambda images: images):
    predict_video(model, clip, tmp_path / "out" / "clip.mp4", keep_frames=True, progress=False)
    kept = sorted((tmp_path / "out" / "clip.frames").glob("*.png"))
    assert len(kept) == FRAMES
  assert read_uint8(kept[-1]).mean() > 1.5 * darken(read_uint8(kept[-1])).mean()


def test_a_video_that_cannot_be_read_back_costs_no_frames(clip, tmp_path, monkeypatch):
  """As on a full disk, of which OpenCV's writer says nothing."""
  encode = video._encode

  def full(folder, count, target, codec, rate):
    made = encode(folder, count, target, codec, rate)
    with open(target, "r+b") as file:
      file.truncate(400)
    return made

  monkeypatch.setattr(video, "_encode", full)
  with pytest.raises(OSError, match=r"clip.mp4: of 10 frames that were written 0 can be read back; .* MB are free there"):
    predict_video(darken, clip, tmp_path / "out" / "clip.mp4", progress=False)
  assert [path.name for path in (tmp_path / "out").iterdir()] == [".clip.frames"]
  assert len(list((tmp_path / "out" / ".clip.frames").glob("*.png"))) == FRAMES
  monkeypatch.setattr(video, "_encode", encode)
  # No frame is made anew.
  predict_video(lambda images: images * np.nan, clip, tmp_path / "out" / "clip.mp4", progress=False)
  assert len(frames_of(tmp_path / "out" / "clip.mp4")) == FRAMES


def test_damaged_videos(clip, tmp_path):
  whole = clip.read_bytes()
  clip.write_bytes(whole[:len(whole) // 2])
  with pytest.raises(UnreadableVideo, match="clip.mp4: not a video, damaged or cut short"):
    predict_video(darken, clip, tmp_path / "out" / "clip.mp4", progress=False)
  with pytest.raises(FileNotFoundError, match="none.mp4: no such file"):
    predict_video(darken, tmp_path / "none.mp4", tmp_path / "out" / "none.mp4")
  assert not (tmp_path / "out").exists()


def test_a_video_that_ends_early(clip, tmp_path, monkeypatch):
  original = video._Frames.__init__

  def promises(self, path):
    original(self, path)
    self.promised = 20

  monkeypatch.setattr(video._Frames, "__init__", promises)
  with pytest.raises(UnreadableVideo, match="only 10 of 20 frames can be read"):
    predict_video(darken, clip, tmp_path / "out" / "clip.mp4", progress=False)


def test_motion_jpeg_where_the_first_codec_is_missing(clip, tmp_path, monkeypatch):
  monkeypatch.setattr(video, "CODECS", {".mp4": "????", ".avi": "MJPG"})
  monkeypatch.setattr(video, "_encode", lambda *arguments, original=video._encode: arguments[3] != "????" and
                      original(*arguments))
  written = predict_video(darken, clip, tmp_path / "out" / "clip.mp4", progress=False)
  assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.avi"] and len(frames_of(written)) == FRAMES


def test_noise_stands_still(tmp_path):
  """Equal frames stay equal with noise of mode "random", also where a graph was made before."""
  inputs = keras.Input((None, None, 3))
  model = Noisy()
  model(inputs)
  model.save(tmp_path / "noisy.keras")
  still = cv2.VideoWriter(str(tmp_path / "still.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), RATE, (64, 48))
  for _ in range(5):
    still.write(np.full((48, 64, 3), 128, np.uint8))
  still.release()
  loaded = load_model(tmp_path / "noisy.keras")
  for _ in range(2):
    loaded(np.zeros((1, 48, 64, 3), np.float32))
  predict_video(loaded, tmp_path / "still.mp4", tmp_path / "out" / "still.mp4", keep_frames=True, progress=False)
  frames = [read_uint8(path) for path in sorted((tmp_path / "out" / "still.frames").glob("*.png"))]
  assert np.ptp(frames[0]) > 20 and all(np.array_equal(frames[0], frame) for frame in frames)
  assert loaded.keras_model.noise == "random"


@keras.saving.register_keras_serializable(package="tests_video")
class Noisy(keras.Model):
  """Adds noise."""

  def __init__(self, **kwargs):
    super().__init__(**kwargs)
    self.channels = NoiseChannels(3, "random")

  @property
  def noise(self):
    return self.channels.noise

  @noise.setter
  def noise(self, mode):
    self.channels.noise = mode

  def call(self, images, training=False):
    return images + 0.1 * self.channels(images)[..., 3:]


def test_decoding_and_writing_run_beside_the_model(clip, tmp_path, monkeypatch):
  """While the model is at a frame, the next one is decoded and the one before is written."""
  decoded, written = threading.Semaphore(0), threading.Semaphore(0)
  original_next, original_write = video._Frames.next, video.write_image

  def following(self, wanted=True):
    frame = original_next(self, wanted)
    decoded.release()
    return frame

  def write(path, image):
    original_write(path, image)
    written.release()

  def model(images):
    model.calls += 1
    if model.calls == 1:
      assert decoded.acquire(timeout=10)
    else:
      assert written.acquire(timeout=10)
    assert decoded.acquire(timeout=10)
    return darken(images)

  model.calls = 0
  monkeypatch.setattr(video._Frames, "next", following)
  monkeypatch.setattr(video, "write_image", write)
  predict_video(model, clip, tmp_path / "out" / "clip.mp4", progress=False)
  assert model.calls == FRAMES
