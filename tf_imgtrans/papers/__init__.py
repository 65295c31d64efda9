"""The papers: one package each, with the same files in every package."""

import pkgutil as _pkgutil

from lazy_loader import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, submodules=[module.name for module in _pkgutil.iter_modules(__path__)])
