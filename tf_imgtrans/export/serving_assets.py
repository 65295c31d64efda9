"""What stands around a SavedModel on a server: warm-up requests inside, and settings of TensorFlow Serving beside it."""

import pathlib
import re

from tf_imgtrans.core.files import write_bytes

SERVER_IMAGE = "tensorflow/serving"
_WRITTEN = "# Written by tf-imgtrans export saved-model"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_BATCHING = f"""{_WRITTEN}; kept as it is once it is there.
# Merges requests that wait, for images of ONE size. Off in compose.yaml, as with it
#  - requests of image_float and image_uint8 with images of different sizes cannot be merged and fail;
#  - one unreadable image fails all requests that were merged with it;
#  - serving_default gains nothing: it takes the images one by one.
max_batch_size {{ value: 8 }}
batch_timeout_micros {{ value: 0 }}  # merge what waits already, wait for nothing
max_enqueued_batches {{ value: 64 }}  # beyond it the server answers UNAVAILABLE
num_batch_threads {{ value: 2 }}  # batches at once: each holds the maps of its images in memory
"""
_COMPOSE = f"""{_WRITTEN}; kept as it is once it is there.
# Start: docker compose up -d      Check: tf-imgtrans serve-check http://localhost:8501 --name NAME
services:
  tensorflow-serving:
    # At least the TensorFlow that exported: an older server does not know all operations of the graph.
    image: {SERVER_IMAGE}:${{TENSORFLOW_SERVING_TAG:-latest}}
    command:
      - --model_config_file=/models/models.config
      - --model_config_file_poll_wait_seconds=60
      # - --enable_batching=true
      # - --batching_parameters_file=/models/batching.config
    volumes:
      - .:/models:ro
    ports:  # open to this computer alone; the server asks nobody for a password
      - "127.0.0.1:8500:8500"  # gRPC
      - "127.0.0.1:8501:8501"  # REST
    restart: unless-stopped
"""


def write_serving_files(directory: str | pathlib.Path, name: str | None = None) -> list[pathlib.Path]:
  """Writes models.config, batching.config and compose.yaml into the folder that holds the model's folder.

  models.config names every model there (folders with a numbered version), `name` for this one; it is written anew unless
  its first line has been changed. The other two are kept once they are there.

  Args:
    directory: str or Path of the model's folder, which holds numbered versions.
    name: str, the model's name on the server; None for the folder's own.
  Returns:
    list of Path, the files that were written.
  Raises:
    ValueError: a name that cannot stand in an address, or one that another folder has.
  """
  directory = pathlib.Path(directory).absolute()
  name = name or directory.name
  if not _NAME.fullmatch(name):
    raise ValueError(f"name is {name!r}: expected letters, digits, '-', '_' and '.', as it stands in addresses")
  models = {folder.name: folder.name for folder in sorted(directory.parent.iterdir())
            if folder != directory and _NAME.fullmatch(folder.name)
            and any(path.parent.name.isdecimal() for path in folder.glob("*/saved_model.pb"))}
  if name in models:
    raise ValueError(f"name is {name!r}, which {directory.parent / name} has already: give another one")
  models[name] = directory.name
  contents = {"models.config": _models_config(models), "batching.config": _BATCHING, "compose.yaml": _COMPOSE}
  written = []
  for file, content in contents.items():
    path = directory.parent / file
    ours = file == "models.config" and path.is_file() and path.read_text().startswith(_WRITTEN)
    if ours or not path.exists():
      write_bytes(path, content.encode())
      written.append(path)
  return written


def _models_config(models):
  """The text of ModelServerConfig for {name: folder}."""
  entries = "".join(f'  config {{ name: "{name}" base_path: "/models/{folder}" model_platform: "tensorflow" }}\n'
                    for name, folder in sorted(models.items()))
  return f"{_WRITTEN}; written anew with each export while this line is here.\nmodel_config_list {{\n{entries}}}\n"


def write_warmup(folder, name, side=64):
  """Writes assets.extra/tf_serving_warmup_requests: one request for each signature, so that the first user does not wait.

  The records are PredictionLog messages, put together here byte by byte, as tensorflow-serving-api is an extra.

  Args:
    folder: str or Path of the version folder.
    name: str, the model's name.
    side: int, height and width in pixels of the images; a ramp from black to white.
  Returns:
    Path of the file.
  """
  import tensorflow as tf

  ramp = tf.tile(tf.linspace(0.0, 1.0, side)[None, :, None], [side, 1, 3])
  pixels = tf.cast(ramp * 255, tf.uint8)
  requests = {"serving_default": {"image_bytes": [tf.io.encode_png(pixels).numpy()]},
              "image_uint8": {"image": pixels[None].numpy()}, "image_float": {"image": ramp[None].numpy()}}
  path = pathlib.Path(folder) / "assets.extra" / "tf_serving_warmup_requests"
  path.parent.mkdir(exist_ok=True)
  with tf.io.TFRecordWriter(str(path)) as writer:
    for signature, inputs in requests.items():
      tensors = {key: tf.make_tensor_proto(value).SerializeToString() for key, value in inputs.items()}
      writer.write(prediction_log(name, signature, tensors))
  return path


def prediction_log(name, signature, tensors):
  """A serialized PredictionLog that holds a PredictRequest.

  Field numbers: tensorflow_serving/apis/prediction_log.proto, predict.proto and model.proto of TensorFlow Serving 2.21.

  Args:
    name: str, the model's name.
    signature: str.
    tensors: dict of input name to serialized TensorProto.
  Returns:
    bytes.
  """
  specification = _field(1, name.encode()) + _field(3, signature.encode())  # ModelSpec: name, signature_name
  inputs = b"".join(_field(2, _field(1, key.encode()) + _field(2, tensor)) for key, tensor in tensors.items())  # a map
  request = _field(1, specification) + inputs  # PredictRequest: model_spec, inputs
  return _field(6, _field(1, request))  # PredictionLog: predict_log, whose request is field 1


def _field(number, content):
  """A length-delimited field of the protocol buffers' encoding: key (number, wire type 2), length, content."""
  return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value):
  """Seven bits a byte, the lowest first; the top bit says that more follow."""
  digits = []
  while value > 127:
    digits.append(value & 127 | 128)
    value >>= 7
  return bytes([*digits, value])
