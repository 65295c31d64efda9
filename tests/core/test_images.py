"""Reading, writing and listing images."""

import io
import os
import pickle
import re
import struct
import subprocess
import sys
import warnings
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tf_imgtrans.core import images
from tf_imgtrans.core.images import UnreadableImage, list_images, read_image, read_uint8, to_uint8, write_image

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)


def encode(pixels, kind, mode=None, **options):
  """Bytes of an 8-bit image, written by Pillow."""
  image = Image.fromarray(pixels)
  buffer = io.BytesIO()
  (image.convert(mode) if mode else image).save(buffer, kind, **options)
  return buffer.getvalue()


def encode_deep(pixels, suffix, options=()):
  """Bytes of a 16-bit image, written by OpenCV."""
  return cv2.imencode(suffix, pixels[..., ::-1] if pixels.ndim == 3 else pixels, list(options))[1].tobytes()


def saved(folder, name, data):
  (folder / name).write_bytes(data)
  return folder / name


def with_chunk(png, name, content):
  """A PNG with one more chunk behind the header."""
  chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
  return png[:33] + chunk + png[33:]


def encode_tiff(pixels, **options):
  """Bytes of a TIFF of an unusual kind."""
  buffer = io.BytesIO()
  tifffile.imwrite(buffer, pixels, **options)
  return buffer.getvalue()


def unit(pixels):
  """16-bit pixels as the reader gives them."""
  return pixels.astype(np.float32) / np.float32(65535)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_eight_bits_are_read_exactly(tmp_path, kind):
  path = saved(tmp_path, "a", encode(COLOR, kind))
  pixels = read_uint8(path)
  np.testing.assert_array_equal(pixels, COLOR)
  assert pixels.flags.writeable
  image = read_image(str(path))
  assert image.dtype == np.float32
  np.testing.assert_array_equal(image, COLOR.astype(np.float32) / 255)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.gif"])
def test_lossy_kinds_are_near(tmp_path, name):
  smooth = np.linspace(0, 255, 64 * 48 * 3).reshape(64, 48, 3).astype(np.uint8)
  path = saved(tmp_path, name, encode(smooth, {".jpg": "JPEG", ".webp": "WEBP", ".gif": "GIF"}[name[1:]]))
  assert np.abs(read_uint8(path).astype(int) - smooth).mean() < 4


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_color_keeps_its_depth(tmp_path, suffix):
  path = saved(tmp_path, "a" + suffix, encode_deep(DEEP, suffix))
  np.testing.assert_array_equal(read_image(path), unit(DEEP))
  np.testing.assert_array_equal(read_uint8(path), np.round(DEEP / 257).astype(np.uint8))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_grey_keeps_its_depth(tmp_path, suffix):
  path = saved(tmp_path, "a" + suffix, encode_deep(DEEP[..., 0], suffix))
  expected = unit(np.repeat(DEEP[..., :1], 3, axis=2))
  np.testing.assert_array_equal(read_image(path), expected)


def test_sixteen_bit_alpha_is_dropped(tmp_path, capfd):
  four = cv2.imencode(".png", np.dstack([DEEP[..., ::-1], DEEP[..., 0]]))[1].tobytes()
  np.testing.assert_array_equal(read_image(saved(tmp_path, "a.png", four)), unit(DEEP))
  assert capfd.readouterr().err == ""


def test_white_is_zero(tmp_path):
  path = saved(tmp_path, "a.tiff", encode_tiff(DEEP[..., 0], photometric="miniswhite"))
  np.testing.assert_array_equal(read_image(path)[..., 0], unit(65535 - DEEP[..., 0]))


def test_grey_alpha_palette(tmp_path):
  grey = COLOR[..., 0]
  np.testing.assert_array_equal(read_uint8(saved(tmp_path, "g.png", encode(grey, "PNG"))), np.dstack([grey] * 3))
  alpha = np.dstack([COLOR, np.zeros((5, 7), np.uint8)])
  np.testing.assert_array_equal(read_uint8(saved(tmp_path, "a.png", encode(alpha, "PNG"))), COLOR)
  palette = encode(COLOR, "PNG", mode="P", transparency=bytes([0, 128, 255]))
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    pixels = read_uint8(saved(tmp_path, "p.png", palette))
  assert pixels.shape == COLOR.shape
  bilevel = encode(grey, "PNG", mode="1")
  assert set(np.unique(read_uint8(saved(tmp_path, "b.png", bilevel)))) <= {0, 255}


def test_cmyk_jpeg(tmp_path):
  flat = np.full((16, 16, 3), (200, 40, 90), np.uint8)
  image = read_image(saved(tmp_path, "a.jpg", encode(flat, "JPEG", mode="CMYK", quality=95)))
  assert np.abs(image - flat / 255).max() < 0.03


def test_first_frame_of_an_animation(tmp_path):
  frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (10, 200)]
  frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
  frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
  for name in ("a.gif", "a.webp"):
    assert np.abs(read_uint8(tmp_path / name).astype(int) - 10).max() < 4


# Where the image of the file [[0, 1, 2], [3, 4, 5]] is once it is upright.
UPRIGHT = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[3, 0], [4, 1], [5, 2]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[2, 5], [1, 4], [0, 3]],
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation(tmp_path, kind, orientation):
  levels = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
  stored = np.repeat(np.kron(levels, np.ones((8, 8), np.uint8))[..., None], 3, axis=2)
  exif = Image.Exif()
  exif[274] = orientation
  options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
  image = read_uint8(saved(tmp_path, "a", encode(stored, kind, exif=exif, **options)))
  assert (np.round(image[4::8, 4::8, 0] / 40) == UPRIGHT[orientation]).all()


def test_exif_orientation_of_sixteen_bits(tmp_path):
  exif = Image.Exif()
  exif[274] = 6
  path = saved(tmp_path, "a.png", with_chunk(encode_deep(DEEP, ".png"), b"eXIf", exif.tobytes()[6:]))
  np.testing.assert_array_equal(read_image(path), unit(np.rot90(DEEP, -1)))


def test_damaged_metadata_do_not_matter(tmp_path, capfd):
  png = with_chunk(encode_deep(DEEP, ".png"), b"iCCP", b"bad\0\0" + zlib.compress(b"none"))
  assert read_image(saved(tmp_path, "a.png", png)).shape == DEEP.shape
  jpeg = encode(COLOR, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
  assert read_image(saved(tmp_path, "a.jpg", jpeg)).shape == COLOR.shape
  assert capfd.readouterr().err == ""


def test_missing_file(tmp_path):
  with pytest.raises(FileNotFoundError, match=r"none\.png: no such file"):
    read_image(tmp_path / "none.png")


@pytest.mark.parametrize("name, data, reason", [
    ("empty.png", b"", "the file is empty"),
    ("text.png", b"this is a text\n", "not an image"),
    ("torn.jpg", encode(np.zeros((64, 64, 3), np.uint8) + COLOR[0, 0], "JPEG")[:-200], "the file is truncated"),
    ("torn.png", encode(COLOR, "PNG")[:60], "the file is truncated"),
    ("torn16.png", encode_deep(DEEP, ".png")[:150], "the file is truncated"),
    ("head.jpg", encode(COLOR, "JPEG")[:20], "the header is damaged"),
    ("bits.tiff", encode_tiff(DEEP[..., 0].astype(np.float32)), "floating-point ones, are not read"),
    ("signed.tiff", encode_tiff(DEEP[..., 0].astype(np.int16)), "save it with unsigned 8 or 16 bits"),
    ("planes.tiff", encode_tiff(DEEP.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"),
     "plane by plane"),
])
def test_unreadable_files_say_why(tmp_path, capfd, name, data, reason):
  path = saved(tmp_path, name, data)
  with pytest.raises(UnreadableImage, match=f"{re.escape(str(path))}: .*{reason}") as caught:
    read_image(path)
  assert caught.value.path == path and reason in caught.value.reason
  assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
  assert capfd.readouterr().err == ""


def test_folder_is_no_image(tmp_path):
  with pytest.raises(UnreadableImage, match="directory"):
    read_image(tmp_path)


def test_large_photographs_are_read_and_bombs_are_not(tmp_path):
  Image.new("L", (10000, 10000)).save(tmp_path / "large.png", compress_level=1)
  with warnings.catch_warnings():
    warnings.simplefilter("error")
    assert read_uint8(tmp_path / "large.png").shape == (10000, 10000, 3)
  png = encode(COLOR, "PNG")
  header = b"IHDR" + struct.pack(">2I", 60000, 60000) + png[24:29]
  bomb = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
  with pytest.raises(UnreadableImage, match="more than 178,956,970 pixels"):
    read_uint8(saved(tmp_path, "bomb.png", bomb))


PHOTO = np.kron(COLOR, np.ones((6, 6, 1), np.uint8))
VALID = {
    "a.jpg": encode(PHOTO, "JPEG"),
    "b.png": encode(PHOTO, "PNG"),
    "c.png": encode_deep(DEEP, ".png"),
    "d.tiff": encode(PHOTO, "TIFF"),
    "e.tiff": encode_deep(DEEP, ".tiff"),
    "f.webp": encode(PHOTO, "WEBP"),
    "g.gif": encode(PHOTO, "GIF"),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(VALID)),
       where=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
       kept=st.one_of(st.just(1.0), st.floats(0, 1)))
def test_damaged_bytes_give_a_image_or_a_named_error(tmp_path, name, where, kept):
  data = bytearray(VALID[name])
  for place, value in where:
    data[int(place * len(data))] = value
  path = saved(tmp_path, name, bytes(data[:int(kept * len(data))]))
  try:
    image = read_image(path)
  except UnreadableImage as error:
    assert str(path) in str(error) and error.reason
  else:
    assert image.dtype == np.float32 and image.ndim == 3 and image.shape[2] == 3
    assert image.min() >= 0 and image.max() <= 1


@pytest.mark.parametrize("suffix", [".png", ".PNG"])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_written_png_reads_back(tmp_path, suffix, height, width, seed):
  pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
  write_image(tmp_path / "new" / f"a{suffix}", pixels)
  np.testing.assert_array_equal(read_uint8(tmp_path / "new" / f"a{suffix}"), pixels)
  write_image(tmp_path / f"b{suffix}", pixels.astype(np.float32) / 255)
  np.testing.assert_array_equal(read_uint8(tmp_path / f"b{suffix}"), pixels)


def test_jpeg_keeps_full_color(tmp_path):
  stripes = np.zeros((32, 32, 3), np.uint8)
  stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 220
  for name, limit in (("a.jpg", 6), ("a.jpeg", 6)):
    write_image(tmp_path / name, stripes)
    assert np.abs(read_uint8(tmp_path / name).astype(int) - stripes).mean() < limit
  write_image(tmp_path / "a.webp", np.full((32, 32, 3), 90, np.uint8))
  assert np.abs(read_uint8(tmp_path / "a.webp").astype(int) - 90).max() < 4


def test_rounding_and_clipping():
  halves = (np.arange(255, dtype=np.float32) + 0.5) / 255
  np.testing.assert_array_equal(to_uint8(halves.astype(np.float64)), np.arange(1, 256))
  np.testing.assert_array_equal(to_uint8(np.array([-1.0, 0, 1, 7])), [0, 0, 255, 255])
  np.testing.assert_array_equal(to_uint8(np.array([0.0, 1.0], np.float16)), [0, 255])


def test_what_cannot_be_written(tmp_path):
  image = np.zeros((4, 4, 3), np.float32)
  with pytest.raises(ValueError, match=r"'\.gif'.*\.png, \.jpg"):
    write_image(tmp_path / "a.gif", image)
  with pytest.raises(ValueError, match="not finite"):
    write_image(tmp_path / "a.png", np.full_like(image, np.nan))
  with pytest.raises(ValueError, match=r"\(4, 4\)"):
    write_image(tmp_path / "a.png", image[..., 0])
  with pytest.raises(ValueError, match="int32"):
    write_image(tmp_path / "a.png", image.astype(np.int32))
  assert list(tmp_path.iterdir()) == []


@pytest.fixture
def photos(tmp_path, monkeypatch):
  for name in ("b.jpg", "a.PNG", "notes.txt", ".hidden.png", "raw[1].png", "sub/c.webp"):
    (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "photos" / name).touch()
  (tmp_path / "empty").mkdir()
  monkeypatch.chdir(tmp_path)
  return tmp_path / "photos"


def names(paths):
  return [path.as_posix() for path in paths]


def test_list_images(photos):
  assert names(list_images("photos")) == ["photos/a.PNG", "photos/b.jpg", "photos/raw[1].png"]
  assert names(list_images(photos, recursive=True))[-1].endswith("sub/c.webp")
  assert names(list_images(["photos/*.jpg"])) == ["photos/b.jpg"]
  assert names(list_images("photos/**/*.webp")) == ["photos/sub/c.webp"]
  assert names(list_images(["photos/notes.txt", "photos/raw[1].png"])) == ["photos/notes.txt", "photos/raw[1].png"]
  assert names(list_images(["photos/b.jpg", "photos", "./photos/a.PNG"])) == [
      "photos/b.jpg", "photos/a.PNG", "photos/raw[1].png"]


def test_a_dead_link_stays_in_the_list(photos):
  os.symlink("gone.png", photos / "link.png")
  assert "photos/link.png" in names(list_images("photos"))


@pytest.mark.parametrize("wrong, words", [
    ("none.png", r"none\.png: no such file or folder; give"),
    ("", "'': no such file"),
    ("empty", "empty: no image in this folder"),
    ("photos/*.tif", r"photos/\*\.tif: the pattern matches no image"),
])
def test_list_images_names_what_is_missing(photos, wrong, words):
  with pytest.raises(FileNotFoundError, match=words):
    list_images(["photos", wrong])


def test_import_is_light():
  code = "import sys, tf_imgtrans.core.images, tf_imgtrans.core.panels; print('tensorflow' in sys.modules)"
  process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
  assert process.stdout == "False\n"


def test_suffixes_are_lower_case():
  assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in images.IMAGE_SUFFIXES)


def test_a_quality_for_a_page_is_smaller(tmp_path):
  image = np.random.default_rng(0).random((64, 64, 3), np.float32)
  for suffix in (".jpg", ".webp", ".png"):
    write_image(tmp_path / f"usual{suffix}", image)
    write_image(tmp_path / f"small{suffix}", image, quality=60)
    sizes = [(tmp_path / f"{name}{suffix}").stat().st_size for name in ("small", "usual")]
    assert sizes[0] < sizes[1] if suffix != ".png" else sizes[0] == sizes[1]


def test_what_a_folder_leaves_out_is_counted_by_kind(tmp_path):
  (tmp_path / "below").mkdir()
  for name in ("a.JFIF", "b.jpg"):
    saved(tmp_path, name, encode(COLOR, "JPEG"))
  saved(tmp_path / "below", "c.png", encode(COLOR, "PNG"))
  for name in ("d.HEIC", "e.heic", "f.avif", "README", ".hidden.heic"):
    saved(tmp_path, name, b"")
  with pytest.warns(UserWarning, match=": left out 1 .avif file, 2 .heic files, 1 nameless file, 1 subfolder$"):
    assert [path.name for path in list_images(tmp_path)] == ["a.JFIF", "b.jpg"]
  with pytest.warns(UserWarning, match=": left out 1 .avif file, 2 .heic files, 1 nameless file$"):
    assert len(list_images(tmp_path, recursive=True)) == 3
  assert read_uint8(tmp_path / "a.JFIF").shape == COLOR.shape


def test_a_floating_point_colour_tiff_is_not_called_damaged(tmp_path):
  path = saved(tmp_path, "f.tif", cv2.imencode(".tif", RNG.random((16, 20, 3)).astype(np.float32))[1].tobytes())
  with pytest.raises(UnreadableImage, match="floating-point numbers, which are not read"):
    read_image(path)
