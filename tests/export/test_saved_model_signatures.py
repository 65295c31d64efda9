"""The signatures of a SavedModel for servers: encoded images, uint8 and float images, and hostile requests."""

import io
import struct
import zlib

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_imgtrans.core.images import read_image, read_uint8, to_uint8
from tf_imgtrans.export.decoding import MAX_PIXELS, decode_image, upright
from tf_imgtrans.export.saved_model import to_saved_model
from tf_imgtrans.export.serving_assets import prediction_log, write_serving_files
from tf_imgtrans.inference.models import load_model
from tf_imgtrans.recipes import create_generator

pytestmark = pytest.mark.export


def noise_image(height, width, channels=3, seed=0):
  return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encoded(image, kind, **options):
  buffer = io.BytesIO()
  (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format=kind, **options)
  return buffer.getvalue()


def with_orientation(value):
  exif = Image.Exif()
  exif[274] = value
  return exif


COLOUR, ALPHA = noise_image(24, 40), noise_image(24, 40, 4)
IMAGES = {
    "jpeg": encoded(COLOUR, "JPEG"), "progressive": encoded(COLOUR, "JPEG", progressive=True),
    "grey jpeg": encoded(COLOUR[..., 0], "JPEG"), "cmyk": encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"),
    "png": encoded(COLOUR, "PNG"), "png alpha": encoded(ALPHA, "PNG"), "grey alpha": encoded(ALPHA[..., :2], "PNG"),
    "palette": encoded(Image.fromarray(COLOUR).quantize(16), "PNG", transparency=3),
    "bilevel": encoded(Image.fromarray(COLOUR).convert("1"), "PNG"),
    "grey 16": encoded(Image.fromarray(COLOUR[..., 0].astype(np.uint16) * 200 + 7), "PNG"),
    "webp": encoded(COLOUR, "WEBP", lossless=True), "lossy webp": encoded(COLOUR, "WEBP"),
    "webp alpha": encoded(ALPHA, "WEBP", lossless=True, exact=True), "lossy webp alpha": encoded(ALPHA, "WEBP"),
    "bmp": encoded(COLOUR, "BMP"), "bmp 32": encoded(ALPHA, "BMP"),
    **{f"exif {value}": encoded(COLOUR, "JPEG", exif=with_orientation(value)) for value in range(1, 9)},
    **{f"png exif {value}": encoded(COLOUR, "PNG", exif=with_orientation(value)) for value in range(1, 9)},
    **{f"webp exif {value}": encoded(COLOUR, "WEBP", lossless=True, exif=with_orientation(value)) for value in range(1, 9)},
}


def patched(data, at, content):
  return data[:at] + content + data[at + len(content):]


def png_header(height, width):
  """A PNG of one header with a right checksum, and no pixels."""
  content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
  return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content)) + bytes(64)


FRAME = IMAGES["jpeg"].index(b"\xff\xc0")
HUGE = {
    "png": png_header(20_000, 20_000), "widest png": png_header(2 ** 32 - 1, 2 ** 32 - 1),
    "long png": png_header(2 ** 31, 8),
    "jpeg": patched(IMAGES["jpeg"], FRAME + 5, struct.pack(">HH", 20_000, 20_000)),
    "bmp": patched(IMAGES["bmp"], 18, struct.pack("<ii", 20_000, -20_000)),
    "webp": patched(IMAGES["lossy webp alpha"], 24, (20_000 - 1).to_bytes(3, "little") * 2),
    "lossless webp": patched(IMAGES["webp"], 21, struct.pack("<I", 0x0fffffff)),
}
UNREADABLE = {
    "empty": b"", "text": b"<html>no image</html>", "gif": encoded(COLOUR, "GIF"), "magic alone": b"\xff\xd8\xff",
    "torn jpeg": IMAGES["jpeg"][:700], "torn png": IMAGES["png"][:900], "torn webp": IMAGES["webp"][:900],
    "torn bmp": IMAGES["bmp"][:900], "bad checksum": patched(IMAGES["png"], 500, b"\0\0\0\0"),
    "animation": encoded(COLOUR, "WEBP", save_all=True, append_images=[Image.fromarray(COLOUR[::-1].copy())], duration=9),
    "palette bmp": encoded(Image.fromarray(COLOUR).quantize(16), "BMP"),
    "nothing but markers": b"\xff\xd8" + b"\xff" * 9999,
}


@pytest.fixture(scope="module")
def generator():
  return create_generator("mux_demux_hp", seed=1, growth_half=4, growth_quarter=4)


@pytest.fixture(scope="module")
def folder(generator, tmp_path_factory):
  return to_saved_model(generator, tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="module")
def signatures(folder):
  loaded = tf.saved_model.load(str(folder))
  return lambda name, **inputs: loaded.signatures[name](**inputs)


@pytest.fixture(scope="module")
def decode():
  return tf.function(decode_image, input_signature=[tf.TensorSpec([], tf.string)])


@pytest.mark.parametrize("name", IMAGES)
def test_the_graph_reads_what_the_package_reads(name, decode, tmp_path):
  (tmp_path / "image").write_bytes(IMAGES[name])
  expected = read_image(tmp_path / "image")
  np.testing.assert_allclose(decode(IMAGES[name]), expected, atol=1.2e-7, rtol=0)  # 1/255 is rounded once in the graph


def test_16_bit_colours_keep_their_steps(decode):
  deep = np.random.default_rng(2).integers(0, 65536, (9, 11, 3), dtype=np.uint16)
  data = tf.io.encode_png(deep).numpy()
  assert data[24] == 16
  np.testing.assert_array_equal(np.round(decode(data).numpy() * 65535), deep)


def test_upright_of_each_orientation_by_hand():
  """Where the corner pixel 0 of a 2 x 3 image comes to stand, from the table of the EXIF standard."""
  pixels = tf.reshape(tf.range(6), [2, 3, 1])
  corners = {1: (0, 0), 2: (0, 2), 3: (1, 2), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (2, 1), 8: (2, 0)}
  for value, corner in corners.items():
    turned = upright(pixels, tf.constant(value)).numpy()
    assert turned.shape == ((2, 3, 1) if value < 5 else (3, 2, 1)) and turned[corner] == 0


def exif_jpeg(content):
  """The grey image with one APP1 segment of `content` behind 0xFF fill bytes and a comment."""
  comment = b"\xff\xfe" + struct.pack(">H", 7) + b"hello"
  segment = b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content
  return IMAGES["jpeg"][:2] + comment + b"\xff\xff" + segment + IMAGES["jpeg"][2:]


@pytest.mark.parametrize(("content", "height"), [
    (b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHH", 1, 274, 3, 1, 6, 0), 40),
    (b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHH", 1, 274, 3, 1, 6, 0), 40),
    (b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHHHHIHH", 2, 271, 3, 1, 8, 0, 274, 3, 1, 6, 0), 40),  # the second entry
    (b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHH", 1, 274, 3, 1, 9, 0), 24),  # no such orientation
    (b"Exif\0\0MM\0*\0\0\0\x08" + struct.pack(">HHHIHH", 1, 274, 2, 1, 6, 0), 24),  # text, where a number is due
    (b"Exif\0\0MM\0*\xff\xff\xff\xff", 24), (b"Exif\0\0II*\0\x08\0\0\0\xff\xff", 24), (b"Exif\0\0", 24),
    (b"http://x\0", 24)])
def test_exif_of_both_byte_orders_and_damaged_ones(content, height, decode):
  assert decode(exif_jpeg(content)).shape[0] == height


def test_orientation_behind_the_pixels_of_a_png(decode, tmp_path):
  """As the specification allows; XMP says another, which no browser follows."""
  whole = IMAGES["png"]
  exif = b"eXIf" + b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHH", 1, 274, 3, 1, 6, 0)
  xmp = b"iTXtXML:com.adobe.xmp\0\0\0\0\0<x xmlns:tiff='http://ns.adobe.com/tiff/1.0/' tiff:Orientation='3'/>"
  for chunks, turned in (([exif], True), ([xmp, exif], True), ([xmp], False)):
    behind = b"".join(struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    (tmp_path / "a.png").write_bytes(whole[:-12] + behind + whole[-12:])
    expected = read_image(tmp_path / "a.png")
    assert (expected.shape == decode(whole).shape) != turned
    np.testing.assert_allclose(decode(whole[:-12] + behind + whole[-12:]), expected, atol=1.2e-7)


def test_many_chunks_do_not_hold_the_server(decode):
  """A hostile file of nothing but empty chunks; the pixels come out as they are stored."""
  empty = struct.pack(">I", 0) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
  whole = IMAGES["png"]
  assert decode(whole[:-12] + 40_000 * empty + whole[-12:]).shape == decode(whole).shape


def test_the_bytes_signature_gives_the_image_of_a_file(signatures, generator, tmp_path):
  """Mixed kinds and sizes in one request; each as predicted from its file, but for values at a rounding border."""
  names = ["exif 6", "png alpha", "grey 16", "webp"]
  replies = signatures("serving_default", image_bytes=tf.constant([IMAGES[name] for name in names]))["image_bytes"]
  assert replies.shape == (4,)
  for name, reply in zip(names, replies.numpy()):
    (tmp_path / "in").write_bytes(IMAGES[name])
    (tmp_path / "out").write_bytes(reply)
    assert reply[:4] == b"\x89PNG"
    expected = to_uint8(generator(read_image(tmp_path / "in")[None], training=False)[0].numpy())
    difference = np.abs(read_uint8(tmp_path / "out").astype(int) - expected)
    assert difference.max() <= 1 and difference.mean() < 0.01, name


def test_one_image_may_come_as_a_scalar_and_none_as_an_empty_list(signatures):
  assert signatures("serving_default", image_bytes=tf.constant(IMAGES["png"]))["image_bytes"].shape == ()
  assert signatures("serving_default", image_bytes=tf.constant([], tf.string))["image_bytes"].shape == (0,)


def test_uint8_images_are_the_rounded_float_ones(signatures):
  images = noise_image(21, 34)[None].repeat(2, axis=0)
  given = signatures("image_uint8", image=tf.constant(images))["image"]
  floats = signatures("image_float", image=tf.constant(images.astype(np.float32) / np.float32(255)))["image"].numpy()
  assert given.dtype == tf.uint8 and np.abs(given.numpy().astype(int) - to_uint8(floats)).max() <= 1
  assert np.mean(given.numpy() != to_uint8(floats)) < 0.001


def test_an_enlarging_model_gives_larger_images(tmp_path):
  folder = to_saved_model(create_generator("bicubic", scale=2), tmp_path)
  signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
  reply = signature(image_bytes=tf.constant([IMAGES["png"]]))["image_bytes"].numpy()[0]
  assert Image.open(io.BytesIO(reply)).size == (80, 48)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_image_is_an_error_of_its_request(name, signatures):
  with pytest.raises(tf.errors.InvalidArgumentError):
    signatures("serving_default", image_bytes=tf.constant([IMAGES["png"], UNREADABLE[name]]))


@pytest.mark.parametrize("name", HUGE)
def test_huge_headers_are_refused_before_decoding(name, signatures):
  with pytest.raises(tf.errors.InvalidArgumentError, match=f"more than the {MAX_PIXELS} that are allowed"):
    signatures("serving_default", image_bytes=tf.constant([HUGE[name]]))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP"])
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (40, 7)])
def test_small_images_are_refused_with_the_smallest_size(kind, size, signatures):
  with pytest.raises(tf.errors.InvalidArgumentError, match=rf"\[{size[1]}\] \[x\] \[{size[0]}\].*at least 8 x 8"):
    signatures("serving_default", image_bytes=tf.constant([encoded(noise_image(*size), kind)]))


def test_the_limit_of_pixels_is_the_callers(generator, tmp_path):
  folder = to_saved_model(generator, tmp_path, max_pixels=24 * 40 - 1)
  signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
  with pytest.raises(tf.errors.InvalidArgumentError, match="more than the 959"):
    signature(image_bytes=tf.constant([IMAGES["jpeg"]]))
  signature(image_bytes=tf.constant([encoded(COLOUR[:, 1:], "JPEG")]))
  with pytest.raises(ValueError, match="max_pixels is 0"):
    to_saved_model(generator, tmp_path, version=2, max_pixels=0)


@hypothesis.given(st.sampled_from(["jpeg", "png", "webp alpha", "bmp", "exif 5"]), st.integers(0, 10 ** 6),
                  st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=3)), max_size=4))
@hypothesis.settings(max_examples=60)
def test_damaged_files_give_a_image_or_an_error(decode, name, end, changes):
  data = IMAGES[name]
  for at, content in changes:
    data = patched(data, at, content)
  try:
    image = decode(data[:max(1, end % (2 * len(data)))]).numpy()
  except tf.errors.InvalidArgumentError:
    return
  assert image.shape[2] == 3 and 0 <= image.min() <= image.max() <= 1


def test_the_graph_holds_no_python_and_operations_of_tensorflow_alone(folder):
  graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
  used = {node.op for nodes in (graph.node, *(function.node_def for function in graph.library.function)) for node in nodes}
  assert {"DecodePng", "DecodeJpeg", "ExtractJpegShape", "EncodePng"} <= used  # functions have been looked into
  assert not {"PyFunc", "EagerPyFunc", "PyFuncStateless"} & used
  from tensorflow.python.framework import op_def_registry

  functions = {function.signature.name for function in graph.library.function}
  assert not [name for name in used - functions if op_def_registry.get(name) is None]


def test_the_loader_of_the_package_takes_the_float_signature(folder, generator):
  image = COLOUR[None].astype(np.float32) / np.float32(255)
  np.testing.assert_allclose(load_model(folder)(image), generator(image), atol=1e-6)


def test_warmup_requests_fit_the_signatures(folder, signatures):
  """Read back without the protocol's classes: each record is the bytes that `prediction_log` makes of its signature."""
  records = [record.numpy() for record in tf.data.TFRecordDataset(str(folder / "assets.extra/tf_serving_warmup_requests"))]
  assert len(records) == 3 and all(b"tiny" in record for record in records)
  assert sum(b"serving_default" in record for record in records) == 1
  # PredictionLog{6: PredictLog{1: PredictRequest{1: ModelSpec{1: "m", 3: "s"}, 2: {1: "x", 2: "?"}}}}, by hand
  assert prediction_log("m", "s", {"x": b"?"}) == bytes.fromhex("3212 0a10 0a06 0a016d 1a0173 1206 0a0178 12013f")


def test_warmup_requests_are_those_of_the_protocol(folder, signatures):
  logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2", reason="needs the extra serving")
  seen = set()
  for record in tf.data.TFRecordDataset(str(folder / "assets.extra/tf_serving_warmup_requests")):
    request = logs.PredictionLog.FromString(record.numpy()).predict_log.request
    assert request.model_spec.name == "tiny"
    inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
    assert signatures(request.model_spec.signature_name, **inputs)
    seen.add(request.model_spec.signature_name)
  assert seen == {"serving_default", "image_uint8", "image_float"}


def test_no_warmup_request_is_written_that_the_model_would_refuse(generator, tmp_path):
  """It would keep a server from loading the model."""
  few, fewer = (to_saved_model(generator, tmp_path, version, max_pixels=pixels) for version, pixels in ((1, 70), (2, 63)))
  requests = "assets.extra/tf_serving_warmup_requests"
  signatures = tf.saved_model.load(str(few)).signatures
  assert (few / requests).is_file() and not (fewer / requests).exists()
  assert signatures["serving_default"](image_bytes=tf.constant([encoded(noise_image(8, 8), "PNG")]))


def test_serving_files_stand_beside_the_models(tmp_path):
  for name in ("enhancer", "sharpener", "no model"):
    (tmp_path / name / "1").mkdir(parents=True)
    (tmp_path / name / "1" / ("saved_model.pb" if name != "no model" else "x")).touch()
  written = write_serving_files(tmp_path / "enhancer")
  assert [path.name for path in written] == ["models.config", "batching.config", "compose.yaml"]
  models = (tmp_path / "models.config").read_text()
  assert 'name: "enhancer" base_path: "/models/enhancer"' in models and '"/models/sharpener"' in models
  assert "no model" not in models
  assert [path.name for path in write_serving_files(tmp_path / "enhancer", "portraits")] == ["models.config"]
  assert 'name: "portraits" base_path: "/models/enhancer"' in (tmp_path / "models.config").read_text()
  (tmp_path / "models.config").write_text("mine")
  assert write_serving_files(tmp_path / "enhancer") == []
  for name in ("a b", "../x", "sharpener"):
    with pytest.raises(ValueError, match="name is"):
      write_serving_files(tmp_path / "enhancer", name)


def test_settings_are_those_of_the_server(tmp_path):
  """The two text files parse as the server's own messages, where the extra is installed."""
  configs = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2", reason="needs the extra serving")
  from google.protobuf import text_format

  (tmp_path / "enhancer").mkdir()
  write_serving_files(tmp_path / "enhancer")
  parsed = text_format.Parse((tmp_path / "models.config").read_text(), configs.ModelServerConfig())
  assert parsed.model_config_list.config[0].base_path == "/models/enhancer"
