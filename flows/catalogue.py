"""`rlhf methods`: what can be chosen, read from the files without importing them."""

import ast
import re
from dataclasses import dataclass

from rlhf_pipeline import methods

ARXIV = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5})")
PAPER = re.compile(r"^\s*Paper:\s*(.+?)\.?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One method: its name in params.yaml, what it is, and its paper."""

    name: str
    summary: str
    paper: str


def read(folder: str) -> list[Entry]:
    """Return the methods of a folder such as `rewards/objectives`, by name."""
    return [_describe(folder, name) for name in methods.names(folder)]


def _describe(folder: str, name: str) -> Entry:
    source = (methods.PACKAGE / folder / f"{name}.py").read_text(encoding="utf-8")
    module = ast.parse(source)
    documented = [n for n in module.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    texts = [ast.get_docstring(node) or "" for node in (module, *documented)]
    papers = [match for text in texts for match in _papers(text)]
    summary = texts[0].split("\n\n")[0].replace("\n", " ")
    return Entry(name, summary, papers[0] if papers else "")


def _papers(text: str) -> list[str]:
    return [f"arXiv:{number}" for number in ARXIV.findall(text)] + PAPER.findall(text)
