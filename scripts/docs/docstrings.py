"""Docstrings of udlfast as Markdown: examples become code blocks, arguments a list, formulas stay indented."""

import re

import griffe

# the words that begin a part of a docstring
PARTS = "Args|Arguments|Returns|Raises|Example|Examples|Source|Attributes|Fields|Input"
ITEM = re.compile(r"^[*\w][\w*, ]{0,60}(\([^)]*\))?: ")


class Docstrings(griffe.Extension):
    """Rewrites each docstring before it is rendered."""

    def on_object(self, *, obj, **kwargs):
        if obj.docstring is not None and not obj.is_alias:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(text):
    """Paragraph by paragraph."""
    text = re.sub(rf"(?<!\n)\n(?=({PARTS}):)", "\n\n", text)  # each part is a paragraph,
    text = re.sub(rf"^({PARTS}):\n(?=[ ]*\S)", r"\1:\n\n", text, flags=re.M)  # and so is the list under its name
    return "\n\n".join(filter(None, (paragraph(p) for p in re.split(r"\n[ ]*\n", text))))


def paragraph(text):
    """An example, a list of arguments, a formula, or prose."""
    lines = text.split("\n")
    left = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    bare = [line[left:] for line in lines]
    if bare[0].startswith(">>>"):
        return "```pycon\n" + "\n".join(bare) + "\n```"
    if left and ITEM.match(bare[0]):
        return "\n".join(items(bare))
    if left and not re.match(r"[A-Z].*[.:;]$", " ".join(bare)):
        return "\n".join(lines if left >= 4 else ["    " + line for line in bare])
    return re.sub(rf"^({PARTS}):", r"**\1:**", escaped("\n".join(bare)), flags=re.M)


def items(lines):
    """`name: what it is`, several to a line or over several lines, as list items."""
    out = []
    for line in lines:
        new = not line.startswith(" ") and ITEM.match(line)
        out.append(f"- {escaped(line)}" if new else f"  {escaped(line.strip())}")
    return out


def escaped(text):
    """Stars, underscores, brackets and less-than signs of plain prose are not markup; `code` and *titles* are."""
    kept = r"``.+?``|`[^`]*`|(?<!\w)\*[A-Z][^*]*[^*\s]\*(?!\w)"
    return re.sub(rf"({kept})|(<)|([*_\[\]])", lambda m: m[1] or ("&lt;" if m[2] else "\\" + m[3]), text)
