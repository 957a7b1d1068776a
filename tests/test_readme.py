"""What the README promises exists: commands, options, folders, links, keys of params.yaml."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"rlhf ([a-z]+)((?: [^`\n#]*)?)")


@pytest.fixture(scope="module")
def commands():
    """Return the commands of the console script, each with its options."""
    import typer

    from flows import cli

    app = next(value for value in vars(cli).values() if isinstance(value, typer.Typer))
    group = typer.main.get_command(app)
    return {name: {o for p in command.params for o in p.opts} for name, command in group.commands.items()}


def code() -> list[str]:
    """Return what the README shows as code: fenced lines and text between backticks."""
    fence = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
    lines = [line for block in fence.findall(README) for line in block.splitlines()]
    return lines + re.findall(r"`([^`\n]+)`", fence.sub("", README))


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def shown_on_pages(pattern: str) -> set[str]:
    return {name for page in PAGES for name in re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE)}


def shown_commands() -> list[tuple[str, str]]:
    return [(found[1], found[2]) for text in code() if (found := COMMAND.match(text))]


def drawn_tree() -> tuple[set[str], set[str]]:
    """Return the folders of the README's tree: those at the top, and those of the library."""
    lines = re.findall(r"^( *)([a-z_]+)/ {2,}\S", README, re.MULTILINE)
    return {name for indent, name in lines if not indent}, {name for indent, name in lines if indent}


def test_the_two_commands_stand_in_the_first_twenty_lines():
    top = README.splitlines()[:20]
    assert {"make run", "make test"} <= {line.partition("#")[0].strip() for line in top}


def test_the_tree_shows_exactly_the_folders_that_are_committed():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {name.split("/")[0] for name in listed if "/" in name}
    assert drawn_tree()[0] == {name for name in folders if not name.startswith(".")}


def test_the_tree_shows_exactly_the_areas():
    assert drawn_tree()[1] == {path.parent.name for path in ROOT.glob("rlhf_pipeline/*/__init__.py")}


def test_every_command_shown_exists_and_every_command_is_shown(commands):
    assert {name for name, _ in shown_commands()} == set(commands)


def test_every_option_shown_exists(commands):
    shown = {(name, option) for name, rest in shown_commands() for option in re.findall(r"--[a-z-]+", rest)}
    assert {(name, option) for name, option in shown if option not in commands[name]} == set()


def test_every_make_target_shown_exists():
    shown = shown_on_pages(r"(?:`|^)make ([a-z-]+)")
    assert shown
    assert {target for target in shown if not re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)} == set()


def test_every_module_shown_exists():
    assert {name for name in shown_on_pages(r"python -m ([a-z_.]+)") if not is_module(name)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_every_value_shown_with_set_is_a_parameter():
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for key in re.findall(r"--set ([a-z_.]+)=", README):
        part = params
        for name in key.split("."):
            assert name in part or part == {}, f"README sets {key}, params.yaml has no {name}"
            part = part.get(name, {})


def test_the_picture_and_output_of_the_first_run_are_filled_in():
    assert re.findall(r"<!-- fill:[^>]*", README) == []
