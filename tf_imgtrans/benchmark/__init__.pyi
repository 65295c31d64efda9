from .convolution import convolution_runner as convolution_runner
from .latency import PairedLatency as PairedLatency
from .latency import keras_runner as keras_runner
from .latency import lite_runner as lite_runner
from .latency import paired_latency as paired_latency
from .macs import count_macs as count_macs
from .memory import peak_memory as peak_memory
