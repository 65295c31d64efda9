"""Types of the public functions: every one is annotated, and a type checker sees through the names that resolve late."""

import importlib
import inspect
import subprocess
import sys

import pytest
import recipes

FUNCTIONS = {
    "tf_imgtrans": ["create_generator", "list_generators"],
    "tf_imgtrans.export": ["to_saved_model", "to_tflite", "measure_parity", "inspect_lite", "inspect_model",
                           "read_description", "read_lite", "gpu_findings", "write_serving_files",
                           "to_keras", "export_model", "fit", "photographs_at", "photographs_of", "representative",
                           "targets_of"],
    "tf_imgtrans.inference": ["LoadedModel.__call__", "load_model", "at_scale", "AnySize.__init__", "AnySize.__call__",
                              "predict_files", "output_paths", "Tiler.__init__", "Tiler.__call__", "predict_tiled",
                              "predict_video"],
    "tf_imgtrans.metrics": ["psnr", "ssim", "ms_ssim", "niqe", "pirm_score", "pirm_validation_score", "fid",
                            "feature_distance", "frechet_distance", "sliced_wasserstein", "segmentation_scores",
                            "confusion_matrix", "lattice"],
    "tf_imgtrans.benchmark": ["count_macs", "paired_latency", "keras_runner", "peak_memory", "convolution_runner",
                              "benchmark_networks", "operation_times", "set_threads",
                              "PairedLatency.median_ms", "PairedLatency.ratio"],
    "tf_imgtrans.serving": ["Client.__init__", "Client.ready", "Client.states", "Client.signatures", "Client.enhance"],
}


@pytest.mark.parametrize("module, name", [(module, name) for module, names in FUNCTIONS.items() for name in names])
def test_a_public_function_is_annotated(module, name):
  function = importlib.import_module(module)
  for part in name.split("."):
    function = getattr(function, part)
  signature = inspect.signature(function)
  bare = [argument for argument, parameter in signature.parameters.items() if parameter.annotation is parameter.empty]
  assert bare in ([], ["self"])
  assert signature.return_annotation is not signature.empty or name.endswith("__init__")


USER = """
import tf_imgtrans as ti

names: list[str] = ti.list_generators()
generator = ti.create_generator("mux_demux_hp", seed=0)
size: int = ti.export.to_tflite(generator, "m.tflite", precision="float16", height=720, width=1280)
model = ti.inference.load_model("mux_demux_hp")
scale: int = model.scale
ti.metrics.psnr(model([0.0]), [0.0]).mean()
state: str = ti.serving.Client("http://localhost:8501", name="m").states()[1]
number: int = ti.__version__
ti.create_generator(3)
ti.export.to_tflite(generator, "m.tflite", precicion="float16")
ti.metrics.psrn
"""
FOUND = {11: "[assignment]", 12: "[arg-type]", 13: "[call-arg]", 14: "[attr-defined]"}


@pytest.mark.slow
def test_a_type_checker_finds_the_faults_of_a_user_and_no_others(tmp_path):
  pytest.importorskip("mypy", reason="mypy is in the extra `test`")
  (tmp_path / "user.py").write_text(USER)
  done = subprocess.run([sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports", "silent",
                         "--cache-dir", str(tmp_path), str(tmp_path / "user.py")], capture_output=True, text=True,
                        timeout=300, cwd=tmp_path, env={"MYPYPATH": str(recipes.ROOT), "PATH": ""})
  faults = {int(line.split(":")[1]): line.split()[-1] for line in done.stdout.splitlines() if ": error: " in line}
  assert faults == FOUND, done.stdout + done.stderr
