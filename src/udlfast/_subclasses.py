"""torch._subclasses: tensors without elements are not part of this library; a question that libraries ask."""

import sys as _sys
import types as _types

fake_tensor = _types.ModuleType(__name__ + ".fake_tensor", "Names of torch._subclasses.fake_tensor.")
fake_tensor.is_fake = lambda x: False
_sys.modules[fake_tensor.__name__] = fake_tensor
