"""Methods by name: the folder is the registry.

Each `.py` file of a method folder whose name has no leading `_` is a method. It holds `Params` (pydantic, unknown keys
refused) and the one function that the folder's `__init__` describes.
"""

import difflib
import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from rlhf_pipeline.mistakes import Mistake

PACKAGE = Path(__file__).parent
ModelT = TypeVar("ModelT", bound=BaseModel)


class MethodParams(BaseModel):
    """Base of every method's `Params`: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MethodError(Mistake):
    """A method or one of its settings does not exist or is out of range; says what to write instead."""


def folders() -> list[str]:
    """Return every method folder, such as `rewards/objectives`: those whose `__init__` starts with 'Methods:'."""
    inits = sorted(PACKAGE.glob("*/*/__init__.py"))
    return [
        str(i.parent.relative_to(PACKAGE)) for i in inits if i.read_text(encoding="utf-8").startswith('"""Methods:')
    ]


def names(folder: str) -> list[str]:
    """Return the names of the methods in a folder, sorted."""
    return sorted(path.stem for path in (PACKAGE / folder).glob("*.py") if not path.stem.startswith("_"))


def suggest(word: str, known: list[str]) -> str:
    """Return ' Did you mean …?' with near names, or the list of all."""
    near = difflib.get_close_matches(word, known, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else f" Known: {', '.join(known) or 'none'}."


def load(folder: str, name: str) -> ModuleType:
    """Return a method's module.

    Raises:
        MethodError: there is no such method; names near ones.
    """
    return importlib.import_module(f"rlhf_pipeline.{folder.replace('/', '.')}.{check_name(name, folder)}")


def check_name(name: str, folder: str) -> str:
    """Return the name of a method, which exists.

    Raises:
        MethodError: there is no such method; names near ones.
    """
    known = names(folder)
    if name not in known:
        raise MethodError(f"unknown method '{name}' in {folder}.{suggest(name, known)}")
    return name


def settings(method: ModuleType, overrides: Mapping[str, Any] | None = None) -> Any:
    """Return a method's `Params` with overrides applied.

    Raises:
        MethodError: a setting is unknown, of the wrong type or out of range.
    """
    return parse_settings(method.Params, overrides or {}, method.__name__.rsplit(".", 1)[-1])


def parse_settings(model: type[ModelT], overrides: Mapping[str, Any], owner: str) -> ModelT:
    """Return settings with overrides applied.

    Raises:
        MethodError: a setting is unknown, of the wrong type or out of range; names its owner.
    """
    try:
        return model(**overrides)
    except ValidationError as error:
        raise MethodError(f"settings of {owner}: {describe(error, list(model.model_fields))}") from error


def describe(error: ValidationError, known: list[str]) -> str:
    """Return pydantic's complaints on one line, each with the key and, for an unknown key, near ones."""
    lines = []
    for item in error.errors():
        key = ".".join(map(str, item["loc"]))
        lines.append(": ".join(part for part in (key, _reason(item, known)) if part))
    return "; ".join(lines)


def _reason(item: Any, known: list[str]) -> str:
    if item["type"] == "extra_forbidden":
        return f"unknown key.{suggest(str(item['loc'][-1]), known)}"
    if item["type"] == "value_error":  # one of ours, which says what was given
        return str(item["ctx"]["error"])
    return f"{item['msg']} (got {item['input']!r:.80})"
