"""Profiles and `--set`, written into params.yaml with its comments kept: there is no second parameter file.

A profile merges its maps into those of params.yaml; a key whose value is null is taken out of its map.
"""

import tempfile
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from rlhf_pipeline.methods import MethodError, suggest
from rlhf_pipeline.mistakes import one_line
from rlhf_pipeline.params import load_params, read_yaml

Change = tuple[str, Any, Any]


def apply(profile: str | None, assignments: Sequence[str], root: Path = Path(".")) -> list[str]:
    """Write a profile and then assignments into params.yaml, and return what changed, one line each.

    Args:
        profile: name of a file in profiles/, without its ending.
        assignments: `section.key=value`, the value as YAML.
        root: the project.

    Raises:
        MethodError: there is no such profile, or the result is not valid; nothing is written then.
    """
    path = root / "params.yaml"
    overlays = [_read_profile(root, profile)] if profile else []
    overlays += [_parse(assignment) for assignment in assignments]
    if not overlays:
        load_params(path)
        return []
    read_yaml(path)  # where it cannot be read, this says so in one line and the editor does not
    editor = _editor()
    content = editor.load(path.read_text(encoding="utf-8"))
    changes = [change for overlay in overlays for change in _merge(content, overlay)]
    text = StringIO()
    editor.dump(content, text)
    _check(text.getvalue())
    if changes:
        path.write_text(text.getvalue(), encoding="utf-8")
    return [f"params.yaml: {key}: {_show(before)} -> {_show(after)}" for key, before, after in changes]


def read_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Return assignments as one map.

    Raises:
        MethodError: one is not `key=value`, the value as YAML.
    """
    content: dict[str, Any] = {}
    for assignment in assignments:
        _merge(content, _parse(assignment))
    return content


def profiles(root: Path = Path(".")) -> list[str]:
    """Return the names of all profiles."""
    return sorted(path.stem for path in (root / "profiles").glob("*.yaml"))


def _editor() -> Any:
    from ruamel.yaml import YAML

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096  # never wrap a line that the user wrote as one
    return editor


def _read_profile(root: Path, name: str) -> dict[str, Any]:
    if name not in profiles(root):
        raise MethodError(f"unknown profile '{name}'.{suggest(name, profiles(root))}")
    return read_yaml(root / "profiles" / f"{name}.yaml")


def _parse(assignment: str) -> dict[str, Any]:
    key, separator, value = assignment.partition("=")
    if not separator or not all(key.split(".")):
        raise MethodError(f"--set {assignment}: write section.key=value")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise MethodError(f"--set {assignment}: the value is not YAML; quote it: {one_line(error)}") from error
    for part in reversed(key.split(".")):
        parsed = {part: parsed}
    return dict(parsed)


def _merge(target: Any, overlay: dict[str, Any], prefix: str = "") -> list[Change]:
    changes: list[Change] = []
    for key, value in overlay.items():
        name, before = f"{prefix}{key}", target.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            changes += _merge(before, value, f"{name}.")
        elif before != value:
            changes.append((name, before, value))
            _put(target, key, value)
    return changes


def _put(target: Any, key: str, value: Any) -> None:
    if value is None:
        del target[key]
    else:
        target[key] = _without_nulls(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def _check(text: str) -> None:
    """Read the new text as params.yaml is read, before it takes the old one's place."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "params.yaml"
        draft.write_text(text, encoding="utf-8")
        try:
            load_params(draft)
        except MethodError as error:
            raise MethodError(str(error).replace(str(draft), "params.yaml")) from error


def _show(value: Any) -> str:
    if value is None:
        return "absent"
    return yaml.safe_dump(_plain(value), default_flow_style=True, width=4096).strip().removesuffix("\n...")


def _plain(value: Any) -> Any:
    """Return a value without the types by which the editor remembers how a value was written."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    kinds = (kind for kind in (bool, int, float, str) if isinstance(value, kind))
    return next(kinds, lambda other: other)(value)
