from .checkpoints import Checkpoints as Checkpoints
from .loop import NonFiniteTerm as NonFiniteTerm
from .loop import run_training as run_training
from .run_folder import RunFolder as RunFolder
from .strategies import make_strategy as make_strategy
from .trainer import BaseTrainer as BaseTrainer
from .validation import Validator as Validator
