"""TensorFlow Serving's gRPC interface; needs the extra `serving`."""

import math

from tf_imgtrans.serving.errors import failure, understanding

_STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}  # get_model_status.proto


class Grpc:
  """Calls of one model.

  Args:
    address: str, such as "grpc://localhost:8500", or "grpcs://..." for a server behind TLS.
    model: str, the model's name.
    version: int, or None for the latest.
    timeout_s: float, seconds that each call may take.
    max_answer_bytes: int, size of the largest answer that is read.
  Raises:
    ModuleNotFoundError: the extra is not installed.
  """

  def __init__(self, address, model, version, timeout_s, max_answer_bytes):
    try:
      import grpc
      from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc
    except ModuleNotFoundError:
      raise ModuleNotFoundError("gRPC needs TensorFlow Serving's protocol: pip install 'tf_imgtrans[serving]', or give "
                                "the server's http:// address") from None
    self.address, self.model, self.version, self.timeout_s = address, model, version, timeout_s
    self.rpc_error = grpc.RpcError
    scheme, _, target = address.partition("://")
    self.most = max_answer_bytes
    options = [("grpc.max_receive_message_length", self.most), ("grpc.max_send_message_length", -1)]
    self.channel = (grpc.secure_channel(target, grpc.ssl_channel_credentials(), options) if scheme == "grpcs"
                    else grpc.insecure_channel(target, options))
    self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
    self.service = model_service_pb2_grpc.ModelServiceStub(self.channel)

  def states(self):
    """{version: state} of the model, such as {1: "AVAILABLE"}."""
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest

    answer = self._call(self.service.GetModelStatus, self._addressed(GetModelStatusRequest()))
    return {int(item.version): _STATES.get(item.state, str(item.state)) for item in answer.model_version_status}

  def signatures(self):
    """{signature: ({input: dtype}, {output: dtype})} with dtypes such as "DT_STRING"."""
    from tensorflow.core.framework.types_pb2 import DataType
    from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap

    request = self._addressed(GetModelMetadataRequest(metadata_field=["signature_def"]))
    answer = self._call(self.prediction.GetModelMetadata, request)
    definitions = SignatureDefMap()
    with self._understanding():
      answer.metadata["signature_def"].Unpack(definitions)
      return {name: tuple({key: DataType.Name(tensor.dtype) for key, tensor in side.items()}
                          for side in (definition.inputs, definition.outputs))
              for name, definition in definitions.signature_def.items() if not name.startswith("__")}

  def predict(self, signature, name, value):
    """Runs a signature of one input and one output.

    Args:
      signature: str.
      name: str, the input's name.
      value: list of bytes, or an array whose first axis is the batch.
    Returns:
      list of bytes, or an array of the output's own dtype.
    """
    import tensorflow as tf
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

    request = self._addressed(PredictRequest())
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    answer = self._call(self.prediction.Predict, request)
    with self._understanding():
      output, = answer.outputs.values()
      _check_size(output)
      output = tf.make_ndarray(output)
      return list(output.ravel()) if output.dtype == object else output

  def _addressed(self, request):
    request.model_spec.name = self.model
    if self.version:
      request.model_spec.version.value = self.version
    return request

  def _understanding(self):
    return understanding(f"{self.address} ({self.model})")

  def _call(self, method, request):
    try:
      return method(request, timeout=self.timeout_s)
    except self.rpc_error as error:
      code, reason = error.code().name, error.details() or ""
      if code == "RESOURCE_EXHAUSTED" and "larger than max" in reason:  # said by this side
        code = "TOO_LARGE"
        reason = f"its answer has more than {self.most:,} bytes; if that is right, give a larger max_answer_bytes"
      raise failure(code, reason, self.address, self.model) from None


def _check_size(tensor):
  """Raises ValueError for a tensor whose shape has more values than its bytes: one value may stand for all of a shape."""
  values = math.prod(side.size for side in tensor.tensor_shape.dim)
  if any(side.size < 0 for side in tensor.tensor_shape.dim) or values > max(1, tensor.ByteSize()):
    raise ValueError(f"{tensor.ByteSize():,} bytes are said to hold {values:,} values")
