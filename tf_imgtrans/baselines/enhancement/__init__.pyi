from .config import CONFIGS as CONFIGS
from .config import Config as Config
from .johnson import Johnson as Johnson
from .residual import ResNet as ResNet
from .srcnn import Srcnn as Srcnn
from .trainer import Trainer as Trainer
