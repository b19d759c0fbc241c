"""Nested containers seen as trees: what libraries around PyTorch import from torch.utils._pytree.

A tree is a tuple, namedtuple, list, dict, OrderedDict, defaultdict or deque of trees, an object of a registered class, or a leaf:
anything else, None included.

>>> import udlfast as torch
>>> torch.utils._pytree.tree_map(lambda x: 2 * x, {"a": 1, "b": [2, (3,)]})
{'a': 2, 'b': [4, (6,)]}
"""

from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from typing import Any

PyTree = Context = Any
_NODES = {}  # class: NodeDef(children of an object and what else it takes to make one again, the maker, children with their keys)
SequenceKey = namedtuple("SequenceKey", "idx")
MappingKey = namedtuple("MappingKey", "key")
GetAttrKey = namedtuple("GetAttrKey", "name")
NodeDef = namedtuple("NodeDef", "flatten_fn unflatten_fn flatten_with_keys_fn")


def register_pytree_node(cls, flatten_fn, unflatten_fn, *, flatten_with_keys_fn=None, **names):
    """From now on objects of a class are inner nodes: flatten_fn(object) gives (children, context), unflatten_fn(children, context) an
    object, flatten_with_keys_fn(object) ([(key, child)], context). names: accepted for compatibility."""
    _NODES[cls] = NodeDef(flatten_fn, unflatten_fn, flatten_with_keys_fn or (lambda x: _with_places(flatten_fn(x))))


def _with_places(flat):
    return [(SequenceKey(i), child) for i, child in enumerate(flat[0])], flat[1]


def _dict_flatten(x):
    return list(x.values()), list(x)


def _dict_flatten_with_keys(x):
    return [(MappingKey(k), v) for k, v in x.items()], list(x)


def _dict_unflatten(values, keys):
    return dict(zip(keys, values, strict=True))


_register_pytree_node = register_pytree_node
for _cls in (list, tuple):
    register_pytree_node(_cls, lambda x: (list(x), None), lambda values, _, cls=_cls: cls(values))
register_pytree_node(dict, _dict_flatten, _dict_unflatten, flatten_with_keys_fn=_dict_flatten_with_keys)
register_pytree_node(OrderedDict, _dict_flatten, lambda values, keys: OrderedDict(zip(keys, values, strict=True)),
                     flatten_with_keys_fn=_dict_flatten_with_keys)  # fmt: skip
register_pytree_node(deque, lambda x: (list(x), x.maxlen), lambda values, most: deque(values, maxlen=most))
register_pytree_node(defaultdict, lambda x: (list(x.values()), (x.default_factory, list(x))),
                     lambda values, about: defaultdict(about[0], zip(about[1], values, strict=True)),
                     flatten_with_keys_fn=lambda x: (_dict_flatten_with_keys(x)[0], (x.default_factory, list(x))))  # fmt: skip
register_pytree_node(namedtuple, lambda x: (list(x), type(x)), lambda values, cls: cls._make(values),
                     flatten_with_keys_fn=lambda x: ([(GetAttrKey(n), v) for n, v in zip(x._fields, x, strict=True)], type(x)))
SUPPORTED_NODES = _NODES


def is_namedtuple(obj):
    """Whether this is an object of a class that namedtuple made."""
    return isinstance(obj, tuple) and type(obj) is not tuple and hasattr(type(obj), "_fields") and hasattr(type(obj), "_make")


def _get_node_type(tree):
    """The class under which a tree is registered: its own, or namedtuple."""
    return namedtuple if type(tree) not in _NODES and is_namedtuple(tree) else type(tree)


def _rule(obj):
    return _NODES.get(_get_node_type(obj))


@dataclass
class TreeSpec:
    """The shape of a tree: its class, what else makes it, and the shapes of its children. A leaf has no class."""

    type: Any
    context: Any
    children_specs: list = field(default_factory=list)

    @property
    def num_leaves(self):
        return 1 if self.type is None else sum(c.num_leaves for c in self.children_specs)

    @property
    def num_children(self):
        return len(self.children_specs)

    def is_leaf(self):
        return self.type is None


def LeafSpec():
    """The shape of a leaf."""
    return TreeSpec(None, None)


def tree_flatten(tree, is_leaf=None):
    """(leaves, spec): the leaves from left to right, and the shape that tree_unflatten needs."""
    leaves = []
    return leaves, _flatten(tree, is_leaf, leaves)


def _flatten(tree, is_leaf, leaves):
    rule = None if is_leaf is not None and is_leaf(tree) else _rule(tree)
    if rule is None:
        leaves.append(tree)
        return LeafSpec()
    children, context = rule[0](tree)
    return TreeSpec(_get_node_type(tree), context, [_flatten(c, is_leaf, leaves) for c in children])


def tree_flatten_with_path(tree, is_leaf=None):
    """([(path, leaf)], spec): a path is the tuple of keys that leads to the leaf."""
    found = []

    def walk(part, path):
        rule = None if is_leaf is not None and is_leaf(part) else _rule(part)
        if rule is None:
            found.append((path, part))
            return
        for key, child in rule[2](part)[0]:
            walk(child, (*path, key))

    walk(tree, ())
    return found, tree_structure(tree, is_leaf)


def keystr(path):
    """A path as one would write it in Python."""
    return "".join(f".{k.name}" if isinstance(k, GetAttrKey) else f"[{k[0]!r}]" for k in path)


def tree_map_with_path(func, tree, *rests, is_leaf=None):
    """The tree of func(path, leaf, *leaves of the others at the same place)."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    columns = []
    for other in rests:
        columns.append([])
        _parts(other, spec, columns[-1])
    rows = zip(pairs, *columns, strict=True)
    return tree_unflatten([func(path, leaf, *others) for (path, leaf), *others in rows], spec)


def tree_unflatten(leaves, treespec):
    """The tree of this shape with these leaves."""
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: {len(leaves)} leaves for a tree of {treespec.num_leaves}")
    return _unflatten(iter(leaves), treespec)


def _unflatten(leaves, spec):
    if spec.type is None:
        return next(leaves)
    values = [_unflatten(leaves, c) for c in spec.children_specs]
    return _NODES[spec.type][1](values, spec.context)


def tree_leaves(tree, is_leaf=None):
    """The leaves from left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_iter(tree, is_leaf=None):
    """The leaves, one after the other."""
    return iter(tree_leaves(tree, is_leaf))


def tree_structure(tree, is_leaf=None):
    """The shape of a tree."""
    return tree_flatten(tree, is_leaf)[1]


def _parts(tree, spec, out):
    """What stands in a tree where another one, of shape spec, has its leaves."""
    if spec.type is None:
        out.append(tree)
        return
    if type(tree) is not (spec.context if spec.type is namedtuple else spec.type):
        raise ValueError(f"tree_map: a {type(tree).__name__} where the first tree has a {spec.type.__name__}")
    children, _ = _rule(tree)[0](tree)
    if len(children) != len(spec.children_specs):
        raise ValueError(f"tree_map: {len(children)} children where the first tree has {len(spec.children_specs)}")
    for child, below in zip(children, spec.children_specs, strict=True):
        _parts(child, below, out)


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree of func(leaf, *leaves of the others at the same place)."""
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves]
    for other in rests:
        columns.append([])
        _parts(other, spec, columns[-1])
    return tree_unflatten([func(*row) for row in zip(*columns, strict=True)], spec)


def tree_map_(func, tree, *rests, is_leaf=None):
    """Calls func as tree_map does, for its effects; the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _fits(kind):
    return kind if callable(kind) and not isinstance(kind, type) else lambda x: isinstance(x, kind)


def map_only(type_or_types_or_pred, /):
    """A decorator: the function for leaves of these classes (or of which a predicate says yes), others as they are."""
    fits = _fits(type_or_types_or_pred)
    return lambda func: lambda x: func(x) if fits(x) else x


def tree_map_only(type_or_types_or_pred, /, func, tree, is_leaf=None):
    """tree_map for leaves of these classes (or of which a predicate says yes); others stay as they are."""
    return tree_map(map_only(type_or_types_or_pred)(func), tree, is_leaf=is_leaf)


def tree_all(pred, tree, is_leaf=None):
    """Whether pred holds for all leaves."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred, tree, is_leaf=None):
    """Whether pred holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))


def tree_all_only(type_or_types, /, pred, tree, is_leaf=None):
    """Whether pred holds for all leaves of these classes."""
    return all(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))


def tree_any_only(type_or_types, /, pred, tree, is_leaf=None):
    """Whether pred holds for some leaf of these classes."""
    return any(pred(x) for x in tree_leaves(tree, is_leaf) if isinstance(x, type_or_types))
