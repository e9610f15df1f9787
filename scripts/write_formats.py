"""Writes the generated sections of FORMATS.md: the fields of the documents that `--json` prints.

    python -m scripts.write_formats

A section stands between two comments, as in README.md. A test compares the page with the schemas of the documents.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import retrainer
from retrainer.system.files import write_whole
from scripts.write_readme import replaced

_PACKAGE = Path(retrainer.__file__).parent
PAGE = _PACKAGE / "models" / "FORMATS.md"
SCHEMAS = {path.name: json.loads(path.read_bytes()) for path in sorted((_PACKAGE / "cli" / "schemas").glob("*.json"))}
PARTS = "figures.json"
_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "null": "null",
}

Schema = Mapping[str, Any]


def sections() -> dict[str, str]:
    """Returns the name of each section -> its table in Markdown."""
    tables = {f"fields of {name}": schema for name, schema in SCHEMAS.items() if name != PARTS}
    tables |= {f"fields of {name}": schema for name, schema in SCHEMAS[PARTS]["$defs"].items()}
    head = ["| field | content |", "| --- | --- |"]
    return {name: "\n".join([*head, *_rows(schema)]) for name, schema in tables.items()}


def _rows(schema: Schema, within: str = "") -> Iterator[str]:
    """The rows of an object's fields, and of what lies in them; fields without a description have no row."""
    for name, field in schema["properties"].items():
        if "description" not in field:
            continue
        absent = "" if name in schema["required"] else "; may be absent"
        yield f"| `{within}{name}` | {_type(field)}{absent}: {field['description']} |"
        inner, levels = _inner(field)
        if "properties" in inner:
            yield from _rows(inner, f"{within}{name}{'[]' * levels}.")


def _inner(field: Schema) -> tuple[Schema, int]:
    """What a field holds besides null, and in how many lists."""
    field = field["anyOf"][0] if "anyOf" in field else field
    if "items" not in field:
        return field, 0
    inner, levels = _inner(field["items"])
    return inner, levels + 1


def _type(field: Schema) -> str:
    """What a field may be, in words."""
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in field:
        return ", or ".join(map(_type, field["anyOf"]))
    if "enum" in field:
        return "null or text" if None in field["enum"] else "text"
    if field["type"] == "array":
        items = field["items"]
        return "a list" if items.get("type") == "object" else f"a list of {_plural(_type(items))}"
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    return " or ".join(_TYPES[one] for one in types)


def _plural(words: str) -> str:
    kinds = {"text": "texts", "a number": "numbers", "a whole number": "whole numbers"}
    return kinds.get(words, words.replace("a list", "lists", 1))


def main() -> None:
    """Writes all sections."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in sections().items():
        text = replaced(text, name, table)
    write_whole(PAGE, text.encode("utf-8"))


if __name__ == "__main__":
    main()
