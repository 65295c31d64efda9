"""Package metadata of tf_imgtrans; build requirement and tool settings are in pyproject.toml."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "tf_imgtrans" / "version.py").read_text()).group(1)

REQUIREMENTS = [
    "tensorflow>=2.19,<2.22",               # training, tf.data, SavedModel and TFLite conversion
    "keras>=3.12,<4",                       # models, layers, optimizers, the .keras file
    "ai-edge-litert>=2.0",                  # runs .tflite files; tf.lite.Interpreter is to be removed from TensorFlow
    "flatbuffers>=24.3",                    # reads .tflite files and puts their description inside
    "numpy>=1.26",                          # arrays of the metrics and of the checkpoints
    "scipy>=1.12",                          # filters, special functions, linear algebra, isotonic regression
    "opencv-python-headless>=4.8,<6",       # reads 16-bit colour images, which Pillow cuts to 8 bits
    "pillow>=10.1",                         # strict reading (torn files raise), EXIF orientation, CMYK, text in panels
    "h5py>=3.10",                           # reads VGG19 weight files of Keras applications
    "tensorboard>=2.19",                    # TensorFlow 2.21 no longer brings it, and tf.summary needs it
    "tyro>=1.0,<2",                         # command line from typed functions and configurations
    "pydantic>=2.7,<3",                     # type and range checks of the configurations
    "annotated-types>=0.7",                 # the range annotations that pydantic checks
    "tqdm>=4.66",                           # progress bar with images/s and time left
    "httpx>=0.27",                          # REST client of TensorFlow Serving: streams, follows nothing, can be cancelled
    "rich>=13",                             # tables on the screen
    "wrapt>=1.15",                          # registers our classes with Keras once Keras is imported
    "lazy-loader>=0.4",                     # names of the packages resolve when first used
]
EXTRAS = {
    "gpu": ["tensorflow[and-cuda]>=2.19,<2.22"],          # NVIDIA libraries
    "serving": ["tensorflow-serving-api>=2.19,<2.22"],    # protocol of TensorFlow Serving's gRPC clients
    "notebooks": ["jupyterlab>=4", "matplotlib>=3.8"],    # runs the notebooks and draws their plots
    "plots": ["matplotlib>=3.8"],                         # curves of reproduced figures
    "codec": ["constriction>=0.4.2,<0.6"],                # range coder of X-GANs' .xgp files; lacks wheels for Linux on ARM
    "test": [
        "constriction>=0.4.2,<0.6; sys_platform != 'linux' or platform_machine == 'x86_64'",  # as of codec, with wheels
        "matplotlib>=3.8",                                # as of plots
        "pytest>=8",                                      # test runner
        "hypothesis>=6.100",                              # shapes, ranges and corrupted input by search
        "pytest-xdist>=3.6",                              # as many tests at once as there are cores
        "pytest-timeout>=2.3",                            # a hanging worker process fails instead of stopping the run
        "ruff>=0.6",                                      # lint
        "mypy>=2",                                        # types of the public functions
        "scikit-image>=0.22",                             # PSNR and SSIM that ours are compared with, and photographs
        "pyyaml>=6",                                      # reads the list of the papers' published numbers
        "nbclient>=0.10",                                 # executes the notebooks
        "nbformat>=5.10",                                 # reads them
        "ipykernel>=6.29",                                # runs their cells
        "setuptools>=70.1",                               # builds the wheel that a test looks into
        "tensorflow-serving-api>=2.19,<2.22",             # as of serving
    ],
}

setup(
    name="tf_imgtrans",
    version=VERSION,
    description="Four image-to-image translation papers in TensorFlow 2 and Keras 3, up to the phone and the server",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=[*find_packages(include=["tf_imgtrans", "tf_imgtrans.*"]), "tf_imgtrans.saved_models"],
    package_dir={"tf_imgtrans.saved_models": "saved_models"},  # a wheel carries the trained models inside the package
    package_data={
        "": ["*.pyi"],  # public names, for type checkers and for lazy_loader
        "tf_imgtrans": ["py.typed", "metrics/*.npz", "data/photographs/*", "papers/README.md",
                        "papers/*/README.md",
                        "practice/README.md", "benchmark/README.md"],
        "tf_imgtrans.saved_models": ["**/*"],
    },
    install_requires=REQUIREMENTS,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["tf-imgtrans = tf_imgtrans.cli.main:main"]},
    classifiers=[
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
)
