"""Export to SavedModel and TFLite, and the proof that the exported model gives the same picture."""

import keras  # noqa: F401 - first, so that our classes are registered before any of them is asked for
from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(
    __name__,
    submod_attrs={
        "flatbuffer": ["read_lite"],
        "gpu_delegate": ["gpu_findings"],
        "inspection": ["inspect_model"],
        "metadata": ["read_description"],
        "parity": ["Parity", "measure_parity"],
        "quantization": ["Unexportable"],
        "report": ["inspect_lite"],
        "saved_model": ["to_saved_model"],
        "serving_assets": ["write_serving_files"],
        "tflite": ["to_tflite"],
    },
)
