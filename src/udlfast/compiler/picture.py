"""A picture of a plan as SVG: the calls along the time that they take, and under them the buffers by place and lifetime."""

from html import escape

WIDTH, BAR, MEMORY, LEFT = 1200, 60, 320, 70
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#b07aa1", "#76b7b2", "#edc948", "#9c755f", "#ff9da7", "#bab0ac")


def draw(explanation):
    """The text of an SVG file. x is time in both parts; y in the lower one is the offset in the arena."""
    rows, total = explanation.rows, explanation.seconds or 1.0
    names = [name for name, *_ in explanation.by_name()]
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    edges = [0.0]
    for r in rows:
        edges.append(edges[-1] + (r.seconds / total if explanation.seconds else 1 / len(rows)) * WIDTH)
    parts = [text(LEFT, 20, f"{len(rows)} calls, {1e6 * explanation.seconds:.1f} us")]
    for i, r in enumerate(rows):
        label = f"{i}: {'backward ' if r.backward else ''}{r.name} {r.shape}, {1e6 * r.seconds:.1f} us"
        parts.append(box(edges[i], 30, edges[i + 1] - edges[i], BAR, colour[r.name], label))
    top = 30 + BAR + 40
    parts.append(text(LEFT, top - 10, f"buffers: {explanation.memory['buffers']} bytes in {explanation.arena_bytes}"))
    for number, first, last, offset, size in explanation.layout:
        scale = MEMORY / max(explanation.arena_bytes, 1)
        last = min(last, len(rows) - 1)
        label = f"buffer {number}: {size} bytes at {offset}, calls {first} to {last}"
        parts.append(box(edges[first], top + offset * scale, edges[last + 1] - edges[first], size * scale, "#a0cbe8", label))
    for i, name in enumerate(names[:24]):
        x, y = LEFT + i % 6 * 200, top + MEMORY + 30 + i // 6 * 20
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour[name]}"/>' + text(x + 18, y, name))
    height = top + MEMORY + 130
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" font-family="sans-serif" '
        f'font-size="13">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def text(x, y, words):
    return f'<text x="{x}" y="{y}">{escape(words)}</text>'


def box(x, y, width, height, fill, title):
    """A rectangle whose title shows under the mouse."""
    return (
        f'<rect x="{LEFT + x:.2f}" y="{y:.2f}" width="{max(width, 0.3):.2f}" height="{max(height, 0.3):.2f}" fill="{fill}" '
        f'stroke="white" stroke-width="0.3"><title>{escape(title)}</title></rect>'
    )
