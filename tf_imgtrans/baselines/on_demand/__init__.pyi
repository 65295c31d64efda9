from .config import COMPARISON as COMPARISON
from .config import Config as Config
from .generator import Generator as Generator
from .trainer import Trainer as Trainer
