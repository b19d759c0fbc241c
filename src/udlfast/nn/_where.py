"""Say in an error which layer it comes from."""

from .. import errors


def name_layer(module, error):
    """Put the path of the failing layer into the text of an error that leaves a module's call.

    Every module on the way out calls this once, innermost first, so the path grows from the right. udlfast's own
    errors get it at the head of their message; any other class keeps its text and gets a note (Python >= 3.11).
    """
    attributes = getattr(error, "__dict__", None)
    if attributes is None:
        return
    place = attributes.get("_layer")
    if place is None:
        attributes["_layer"] = (module, "", type(module).__name__, error.args)
        return
    inner, path, layer, args = place
    step = next((name for name, candidate in module.named_modules() if candidate is inner), "")
    path = f"{step}.{path}" if step and path else step or path
    attributes["_layer"] = (module, path, layer, args)
    if not path:
        return
    text = f"in {path} ({layer})"
    if type(error).__module__ == errors.__name__:
        error.args = (f"{text}: {args[0]}", *args[1:]) if args else (text,)
    elif hasattr(error, "add_note"):
        if "_layer_note" in attributes:
            error.__notes__.remove(attributes["_layer_note"])
        error.add_note(text)
        attributes["_layer_note"] = text
