"""torch.utils.data._utils: the module that libraries look into for default_collate."""

import re as _re
import sys as _sys
import types as _types

from . import worker_info as worker
from .collate import default_collate, default_convert

collate = _types.ModuleType(__name__ + ".collate", "Names of torch.utils.data._utils.collate.")
collate.__dict__.update(default_collate=default_collate, default_convert=default_convert, np_str_obj_array_pattern=_re.compile("[SaUO]"))
_sys.modules[collate.__name__], _sys.modules[__name__ + ".worker"] = collate, worker
