from .client import Client as Client
from .errors import ServingError as ServingError
