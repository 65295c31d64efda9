"""Files of kept pixels: exact round trips, sizes, and one error for all that is no sound file."""

import lzma
import math
import struct
import sys
import tracemalloc
import zlib

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import recipes
from hypothesis.extra import numpy as hnp

from tf_imgtrans.papers.x_gans import codec, codec_stream

pytest.importorskip("constriction", reason="files of points are coded by constriction: pip install 'tf_imgtrans[codec]'")


def check_round_trip(pixels, mask):
  """Packs and unpacks; the bytes."""
  data = codec.encode(pixels, mask)
  found, where = codec.decode(data)
  recipes.assert_same(where, mask)
  recipes.assert_same(found, np.where(mask[..., None], pixels, np.uint8(255)))
  return data


def random_case(height, width, share, seed=0):
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), rng.random((height, width)) < share


def with_checksum(height, width, count, words, tail=8, scale=20, scales=bytes(9), length=None):
  """A file whose checksum is right, whatever it says."""
  length = len(words) if length is None else length
  header = codec._HEADER.pack(b"XGP", 1, height, width, count, length, tail, scale, scales)
  return header + struct.pack("<I", zlib.crc32(words, zlib.crc32(header))) + words


@pytest.fixture(scope="module")
def small_file():
  return codec.encode(*random_case(9, 13, 0.3))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (300, 1), (7, 13), (64, 96)])
def test_masks_of_every_kind(height, width):
  pixels, _ = random_case(height, width, 0)
  masks = np.zeros((7, height, width), bool)
  masks[1] = True
  masks[2, 0, 0] = masks[3, -1, -1] = masks[4, 0, -1] = True  # one pixel, in a corner
  masks[5, height // 2] = True
  masks[6] = True
  masks[6, -1, -1] = False
  for mask in masks:
    check_round_trip(pixels, mask)


@hypothesis.settings(max_examples=60)
@hypothesis.given(st.data())
def test_round_trip_of_any_image(data):
  shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
  mask = data.draw(hnp.arrays(bool, shape, fill=st.booleans()))
  pixels = data.draw(hnp.arrays(np.uint8, (*shape, 3), fill=st.integers(0, 255)))
  check_round_trip(pixels, mask)


@pytest.mark.parametrize(("height", "width", "share"), [
    (16384, 3, 0.02), (3, 16384, 0.3), (65535, 5, 0.01), (400, 600, 0.1), (2048, 2048, 0.05)])
def test_round_trip_of_large_images(height, width, share):
  """More points than are predicted at a time, and sides that need all 16 bits."""
  pixels = (np.add.outer(np.arange(height), 2 * np.arange(width))[..., None] // np.array([3, 4, 5])).astype(np.uint8)
  check_round_trip(pixels, random_case(height, width, share)[1])


@pytest.mark.slow
def test_round_trip_at_the_limit():
  mask = np.zeros((16384, 16384), bool)
  mask[[0, 0, 5, 16383, 16383], [0, 16383, 77, 0, 16383]] = True
  data = codec.encode(np.broadcast_to(np.arange(16384)[:, None, None] % 251, (*mask.shape, 3)).astype(np.uint8), mask)
  pixels, where = codec.decode(data)
  assert np.array_equal(where, mask) and len(data) < 100
  assert pixels[5, 77].tolist() == [5, 5, 5] and pixels[16383, 0].tolist() == [68, 68, 68] and pixels[9, 9].min() == 255


def test_a_known_file_is_read():
  """Made with constriction 0.5.0; versions 0.4.0 to 0.4.2 gave the same bytes."""
  data = bytes.fromhex(
      "584750010b00110018000000540000000e3100c0fe0f90da0000ffd49d26d2cae1f516b31d224254926022ca07f7d0fbacce660e3b3b9342dc023a"
      "58e8f0d4127d8c8b8384a09fe0e140d9b04007751b5163f2590663ae54f1564ccd19678954402ee66787fcbf1849b20500d7ffc8d4018589")
  rows, columns = np.mgrid[:11, :17]
  pixels = np.stack([20 * rows + columns, 255 - 9 * columns - rows, rows * columns * 7 % 256], axis=-1).astype(np.uint8)
  mask = (3 * rows * rows + 5 * columns) % 7 == 0
  found, where = codec.decode(data)
  recipes.assert_same(where, mask)
  recipes.assert_same(found[mask], pixels[mask])


def test_pixels_outside_the_mask_do_not_matter():
  pixels, mask = random_case(20, 30, 0.1)
  assert codec.encode(pixels, mask) == codec.encode(np.where(mask[..., None], pixels, np.uint8(7)), mask)


def test_positions_take_as_little_as_they_can():
  """Points at random: within 2 % of log2 of the number of such masks; with colours that cost next to nothing."""
  for share in (0.01, 0.1, 0.3, 0.9):
    _, mask = random_case(256, 256, share)
    count = int(mask.sum())
    least = math.log2(math.comb(mask.size, count)) / 8
    flat = len(codec.encode(np.zeros((256, 256, 3), np.uint8), np.ones_like(mask))) / mask.size * count
    assert len(check_round_trip(np.zeros((256, 256, 3), np.uint8), mask)) < 1.02 * least + flat + codec._START + 8


def test_files_are_smaller_than_those_of_a_general_coder(real_photograph):
  """LZMA of the gaps and of the differences between the colours of neighbours in the order, green subtracted."""
  pixels = np.round(real_photograph * 255).astype(np.uint8)
  for share in (0.01, 0.1):
    _, mask = random_case(*pixels.shape[:2], share)
    points, gaps = codec_stream.in_order(mask)
    colors = pixels[points[:, 0], points[:, 1]].astype(int)
    planes = np.diff(colors - colors[:, 1:2] * [1, 0, 1], axis=0, prepend=0).T % 256
    general = sum(len(lzma.compress(values.astype(kind).tobytes(), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}]))
                  for values, kind in ((np.minimum(gaps, 255), np.uint8), (planes, np.uint8)))
    assert len(check_round_trip(pixels, mask)) < 0.97 * general


def test_tables_hold_whole_numbers_of_the_coder_s_total():
  """So that no rounding of the coder's takes part in decoding."""
  tables = [codec_stream._color_table(scale) for scale in range(codec_stream.COLOR_SCALES)]
  tables += [codec_stream._gap_table(tail, scale) for tail in range(len(codec_stream.TAILS)) for scale in (0, 40, 115)]
  for table in tables:
    assert np.array_equal(table, np.floor(table)) and table.min() >= 0
    assert table.sum() == 2 ** 24 - len(table)


def test_no_point_takes_less_than_a_reader_expects():
  """A reader refuses more points in a file of given size than a flat image has."""
  largest = max(codec_stream._color_table(scale).max() + 1 for scale in range(codec_stream.COLOR_SCALES))
  assert -3 * math.log2(largest / 2 ** 24) / 8 > 1 / codec._POINTS_PER_BYTE
  check_round_trip(np.full((500, 700, 3), 255, np.uint8), np.ones((500, 700), bool))


def test_every_cut_is_named(small_file):
  for length in range(len(small_file)):
    with pytest.raises(codec.UnreadableFile, match=f"cut short: has {length} bytes of "):
      codec.decode(small_file[:length])
  with pytest.raises(codec.UnreadableFile, match=f"longer than its header states: has {len(small_file) + 1} bytes"):
    codec.decode(small_file + b"\0")


def test_every_altered_byte_is_found(small_file):
  for place in range(len(small_file)):
    for change in (1, 0x80, 0xFF):
      altered = bytearray(small_file)
      altered[place] ^= change
      with pytest.raises(codec.UnreadableFile):
        codec.decode(bytes(altered))


@hypothesis.settings(max_examples=200)
@hypothesis.given(st.binary(max_size=120), st.sampled_from([b"", b"XGP", b"XGP\x01", b"\x89PNG\r\n"]))
def test_any_bytes_give_that_error(data, beginning):
  with pytest.raises(codec.UnreadableFile):
    codec.decode(beginning + data)


@hypothesis.settings(max_examples=200)
@hypothesis.given(st.integers(0, 70), st.integers(0, 70), st.integers(0, 300), st.binary(max_size=200), st.integers(0, 16),
                  st.integers(0, 117), st.binary(min_size=9, max_size=9))
def test_any_content_with_a_right_checksum_is_refused_or_read(height, width, count, words, tail, scale, scales):
  try:
    pixels, mask = codec.decode(with_checksum(height, width, count, words, tail, scale, scales))
  except codec.UnreadableFile:
    return
  assert pixels.shape == (height, width, 3) and mask.sum() == count


@pytest.mark.parametrize(("data", "message"), [
    (b"\x89PNG\r\n\x1a\n", r"not an \.xgp file: begins with b'\\x89PN'"),
    (b"XGP\x02" + bytes(40), r"version 2 of the \.xgp format is not known here: expected 1"),
    (b"", "cut short: has 0 bytes of at least 31"),
    (with_checksum(0, 9, 0, b""), "9x0 pixels"),
    (with_checksum(65535, 65535, 0, b""), "65535x65535 pixels: expected 1 to 268,435,456"),
    (with_checksum(9, 9, 82, bytes(40)), "82 points"),
    (with_checksum(16384, 16384, 1 << 28, bytes(40)), "268435456 points in 40 bytes"),
    (with_checksum(9, 9, 3, bytes(5)), "5 bytes"),
    (with_checksum(9, 9, 0, bytes(4)), "which no encoder writes"),
    (with_checksum(9, 9, 3, bytes(40)), "continues after its last point"),
    (with_checksum(9, 9, 3, b"\xff" * 8), "cannot be decoded"),
    (with_checksum(2, 2, 3, b"\xa5" * 8, scale=115), "outside the image"),
])
def test_errors_name_what_is_wrong(data, message):
  with pytest.raises(codec.UnreadableFile, match=message):
    codec.decode(data)


def test_a_damaged_file_is_said_to_be_damaged(small_file):
  with pytest.raises(codec.UnreadableFile, match="damaged: its checksum differs"):
    codec.decode(small_file[:-1] + bytes([small_file[-1] ^ 1]))


def test_a_reader_may_take_smaller_images_only(small_file):
  codec.decode(small_file, max_pixels=9 * 13)
  with pytest.raises(codec.UnreadableFile, match="13x9 pixels: expected 1 to 116 in all"):
    codec.decode(small_file, max_pixels=9 * 13 - 1)


def test_forged_headers_take_no_memory():
  claims = [with_checksum(16384, 16384, 1 << 28, bytes(400)), with_checksum(16384, 16384, 5, b"", length=1 << 31),
            with_checksum(65535, 65535, 5, b""), with_checksum(16384, 16384, 9000, b"\xff" * 400)]
  tracemalloc.start()
  try:
    for data in claims:
      with pytest.raises(codec.UnreadableFile):
        codec.decode(data)
    assert tracemalloc.get_traced_memory()[1] < 20e6
  finally:
    tracemalloc.stop()


@pytest.mark.parametrize(("pixels", "mask", "message"), [
    (np.zeros((4, 5, 3), np.float32), np.zeros((4, 5), bool), "float32"),
    (np.zeros((4, 5), np.uint8), np.zeros((4, 5), bool), r"\(4, 5\)"),
    (np.zeros((0, 5, 3), np.uint8), np.zeros((0, 5), bool), r"\(0, 5, 3\)"),
    (np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), bool), r"expected bool \(4, 5\)"),
    (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8), "uint8"),
    (np.zeros((1, 70000, 3), np.uint8), np.zeros((1, 70000), bool), "70000 wide and 1 high"),
    (np.broadcast_to(np.uint8(0), (30000, 30000, 3)), np.broadcast_to(False, (30000, 30000)), "268,435,456 pixels"),
])
def test_wrong_images_are_refused(pixels, mask, message):
  with pytest.raises(ValueError, match=message):
    codec.encode(pixels, mask)


def test_a_missing_coder_is_named(monkeypatch, small_file):
  monkeypatch.setitem(sys.modules, "constriction", None)
  with pytest.raises(ModuleNotFoundError, match=r"pip install 'tf_imgtrans\[codec\]'"):
    codec.decode(small_file)


def test_files_are_read_without_tensorflow():
  recipes.run_python("import sys\nfrom tf_imgtrans.papers.x_gans import codec\n"
                     "codec.decode(bytes.fromhex(sys.argv[1]))\nassert not {'tensorflow', 'keras'} & set(sys.modules)\n",
                     codec.encode(*random_case(4, 4, 0.5)).hex())
