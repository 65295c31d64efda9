"""Starts TensorFlow for a command; see core.startup."""

from tf_imgtrans.core.startup import program, start_tensorflow, versions  # noqa: F401 - names of this module
