"""Networks of the papers trained for use on real photographs: the shipped models, each with its own losses and data."""

import pkgutil as _pkgutil

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, submodules=[module.name for module in _pkgutil.iter_modules(__path__)])
