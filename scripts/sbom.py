"""Software bill of materials of a wheel, as CycloneDX 1.6 JSON: what it is made of and what it needs at run time.

    python scripts/sbom.py [--out sbom.json] [udlfast-....whl]

The same wheel gives the same file: no times, no random numbers. All code in the wheel is the project's own; it links with the C
library alone and needs NumPy.
"""

import argparse
import hashlib
import json
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def bill(wheel=None):
    """The bill as a dict."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    me = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
        "purl": f"pkg:pypi/{name}@{version}",
    }
    if wheel:
        me["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
        me["properties"] = [{"name": "wheel", "value": wheel.name}]
    needs = []
    for requirement in project["dependencies"]:
        other, bound = re.fullmatch(r"([\w.-]+)\s*(.*)", requirement).groups()
        needs.append({"type": "library", "bom-ref": f"pkg:pypi/{other}", "name": other, "purl": f"pkg:pypi/{other}", "scope": "required",
                      "properties": [{"name": "versions", "value": bound or "any"}]})  # fmt: skip
    links = [{"ref": me["bom-ref"], "dependsOn": [c["bom-ref"] for c in needs]}, *({"ref": c["bom-ref"]} for c in needs)]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": me},
        "components": needs,
        "dependencies": links,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", nargs="?", type=Path)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    text = json.dumps(bill(args.wheel), indent=2) + "\n"
    if args.out:
        args.out.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
