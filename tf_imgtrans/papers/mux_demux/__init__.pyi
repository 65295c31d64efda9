from .config import TINY as TINY
from .config import Config as Config
from .data import training_data as training_data
from .discriminator import Discriminator as Discriminator
from .generator import Generator as Generator
from .objective import discriminator_loss as discriminator_loss
from .objective import generator_loss as generator_loss
from .trainer import Trainer as Trainer
