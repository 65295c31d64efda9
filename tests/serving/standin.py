"""Small substitutes for TensorFlow Serving that run a SavedModel, over loopback.

They follow the server's interfaces (its api_rest.md and apis/*.proto), as far as the client uses them.
"""

import base64
import contextlib
import http.server
import json
import re
import threading
from concurrent import futures

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.types_pb2 import DataType
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel


class Served:
  """A SavedModel under a name and a version."""

  def __init__(self, folder, name):
    self.name, self.version = name, int(folder.name)
    self.loaded = tf.saved_model.load(str(folder))
    meta = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0]
    self.definitions = meta.signature_def
    self.state = "AVAILABLE"

  def predict(self, signature, inputs):
    """{output: array} of {input: tensor}."""
    outputs = self.loaded.signatures[signature or "serving_default"](**inputs)
    return {name: tensor.numpy() for name, tensor in outputs.items()}


class _Handler(http.server.BaseHTTPRequestHandler):

  def log_message(self, *arguments):
    pass

  def answer(self, status, content):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    self.send_response(status)
    self.send_header("Content-Length", str(len(text)))
    self.end_headers()
    self.wfile.write(text)

  def model_of(self, pattern):
    """The served model when the path is of `pattern`; else answers 404 and gives None."""
    served = self.server.served
    found = re.fullmatch(rf"/v1/models/([^/:]+)(?:/versions/(\d+))?{pattern}", self.path)
    if found and found[1] == served.name and int(found[2] or served.version) == served.version:
      return served
    self.answer(404, {"error": f"Servable not found for request: {self.path}"})
    return None

  def do_GET(self):
    if self.server.broken is not None:
      self.answer(*self.server.broken)
    elif self.path.endswith("/metadata"):
      if served := self.model_of("/metadata"):
        self.answer(200, {"model_spec": {"name": served.name, "version": str(served.version)},
                          "metadata": {"signature_def": {"signature_def": _definitions(served)}}})
    elif served := self.model_of(""):
      self.answer(200, {"model_version_status": [{"version": str(served.version), "state": served.state,
                                                  "status": {"error_code": "OK", "error_message": ""}}]})

  def do_POST(self):
    request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
    if self.server.broken is not None:
      self.answer(*self.server.broken)
    elif served := self.model_of(":predict"):
      try:
        self.answer(200, {"predictions": _predictions(served, request)})
      except tf.errors.InvalidArgumentError as error:
        self.answer(400, {"error": error.message})


def _definitions(served):
  return {name: {side: {key: {"dtype": DataType.Name(info.dtype), "name": info.name}
                        for key, info in getattr(definition, side).items()} for side in ("inputs", "outputs")}
          for name, definition in served.definitions.items()}


def _predictions(served, request):
  """Row format: a list of instances in, a list of values out; names that end in _bytes as base64."""
  definition = served.definitions[request["signature_name"]]
  inputs = {}
  for key, info in definition.inputs.items():
    values = [instance[key] for instance in request["instances"]]
    if info.dtype == tf.string.as_datatype_enum:
      inputs[key] = tf.constant([base64.b64decode(value["b64"]) for value in values])
    else:
      inputs[key] = tf.constant(np.array(values), tf.as_dtype(info.dtype))
  (name, output), = served.predict(request["signature_name"], inputs).items()
  return ([{"b64": base64.b64encode(item).decode()} for item in output] if name.endswith("_bytes")
          else output.tolist())


@contextlib.contextmanager
def rest(served):
  """Serves over HTTP: yields (address, server); server.broken = (status, bytes) makes it give that to every request."""
  server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
  server.served, server.broken = served, None
  thread = threading.Thread(target=server.serve_forever, daemon=True)
  thread.start()
  try:
    yield f"http://127.0.0.1:{server.server_address[1]}", server
  finally:
    server.shutdown()
    server.server_close()
    thread.join()


@contextlib.contextmanager
def running(server):
  """Runs a gRPC server, whose services are added, on a free port over loopback: yields the address."""
  port = server.add_insecure_port("127.0.0.1:0")
  server.start()
  try:
    yield f"grpc://127.0.0.1:{port}"
  finally:
    server.stop(None)


@contextlib.contextmanager
def grpc_server(served):
  """Serves over gRPC, with the classes of the extra `serving`: yields the address."""
  import grpc
  from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_service_pb2_grpc, predict_pb2
  from tensorflow_serving.apis import prediction_service_pb2_grpc as prediction_service

  def check(request, context):
    if request.model_spec.name != served.name:
      context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")

  class Models(model_service_pb2_grpc.ModelServiceServicer):
    def GetModelStatus(self, request, context):
      check(request, context)
      answer = get_model_status_pb2.GetModelStatusResponse()
      answer.model_version_status.add(version=served.version, state=served.state)
      return answer

  class Predictions(prediction_service.PredictionServiceServicer):
    def GetModelMetadata(self, request, context):
      check(request, context)
      definitions = get_model_metadata_pb2.SignatureDefMap()
      for name, definition in served.definitions.items():
        definitions.signature_def[name].CopyFrom(definition)
      answer = get_model_metadata_pb2.GetModelMetadataResponse()
      answer.metadata["signature_def"].Pack(definitions)
      return answer

    def Predict(self, request, context):
      check(request, context)
      inputs = {key: tf.constant(tf.make_ndarray(tensor)) for key, tensor in request.inputs.items()}
      answer = predict_pb2.PredictResponse()
      try:
        for name, output in served.predict(request.model_spec.signature_name, inputs).items():
          answer.outputs[name].CopyFrom(tf.make_tensor_proto(output))
      except tf.errors.InvalidArgumentError as error:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
      return answer

  server = grpc.server(futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
  model_service_pb2_grpc.add_ModelServiceServicer_to_server(Models(), server)
  prediction_service.add_PredictionServiceServicer_to_server(Predictions(), server)
  with running(server) as address:
    yield address
