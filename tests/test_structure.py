"""The triangle graph, code, parameters: what is derived from dvc.yaml and the folders must agree, and stay small.

No list of stages, areas or methods stands here. A guard that fails names the file and what to do.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "rlhf_pipeline"
CODE = sorted(path.parent for path in ROOT.glob("*/__init__.py"))
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
YARDSTICK = "simulation"  # the one area without a stage
JUDGE = "gate"  # the one stage without an area: it reads a verdict and judges nothing


# What the guards read from the tree.


def sources(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders or CODE for path in folder.rglob("*.py"))


def area_of(path: Path) -> str | None:
    inside = path.is_relative_to(LIBRARY) and path.parent != LIBRARY
    return path.relative_to(LIBRARY).parts[0] if inside else None


def areas() -> set[str]:
    return {path.parent.name for path in LIBRARY.glob("*/__init__.py")}


def tasks(graph) -> set[str]:
    return {stage.task for stage in graph.values()}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def docstring(path: Path) -> str:
    return ast.get_docstring(tree(path)) or ""


def files_of(module: str) -> list[Path]:
    """Return the project files that importing a module runs: itself and the packages above it."""
    parts = module.split(".")
    found = [ROOT.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    return [path for path in [*found, ROOT.joinpath(*parts).with_suffix(".py")] if path.exists()]


def names_imported(path: Path) -> Iterator[str]:
    """Yield every module that a file names in an import, inside functions too."""
    package = path.relative_to(ROOT).parent.parts if path.is_relative_to(ROOT) else ()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@cache
def imported(path: Path) -> set[Path]:
    return {file for name in names_imported(path) for file in files_of(name)}


def closure(*starts: Path) -> set[Path]:
    """Return the files and all project files that they import, directly or not."""
    reached: set[Path] = set()
    todo = list(starts)
    while todo:
        path = todo.pop()
        if path not in reached:
            reached.add(path)
            todo.extend(imported(path))
    return reached


def is_prose(path: Path) -> bool:
    """Return whether a file holds a docstring at most: a change in it changes nothing."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree(path).body)


def reads_from(stage, other) -> bool:
    return any(covers(out, dep) or covers(dep, out) for out in other.outs for dep in stage.deps)


def upstream(graph, task: str) -> set[str]:
    """Return the tasks whose outputs a task's stages read, directly or not."""
    reached: set[str] = set()
    todo = [stage for stage in graph.values() if stage.task == task]
    while todo:
        stage = todo.pop()
        found = [other for name, other in graph.items() if name not in reached and reads_from(stage, other)]
        reached |= {other.name for other in found}
        todo += found
    return {graph[name].task for name in reached}


def covers(folder: str, path: str) -> bool:
    return path == folder or Path(path).is_relative_to(folder)


# Methods: which folders a stage loads from, and which names the parameters choose there.


def method_folders() -> dict[str, Path]:
    inits = [
        path for path in LIBRARY.glob("*/*/__init__.py") if (ast.get_docstring(tree(path)) or "").startswith("Methods:")
    ]
    return {str(path.parent.relative_to(LIBRARY)): path.parent for path in inits}


def method_files() -> list[Path]:
    return sorted(path for folder in method_folders().values() for path in folder.glob("*.py") if path.name[0] != "_")


def choices(value: object, key: str) -> Iterator[str]:
    """Yield the method names that a part of params.yaml chooses under a key, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in (key, key.removesuffix("s")) and isinstance(inner, str | list):
                yield from [inner] if isinstance(inner, str) else inner
            else:
                yield from choices(inner, key)


def at(name: str) -> dict:
    """Return the part of params.yaml under a dotted name, with its section as the outermost key."""
    value = PARAMS
    for part in name.split("."):
        value = value[part]
    return {name.split(".")[-1]: value}


def chosen(stage, folder: str) -> set[Path]:
    """Return the method files that the parameters choose in a folder: by those of the stage, else by any."""
    area, kind = folder.split("/")
    own = {method for name in stage.params if name.split(".")[0] == area for method in choices(at(name), kind)}
    return {LIBRARY / folder / f"{name}.py" for name in own or set(choices(PARAMS.get(area, {}), kind))}


@cache
def runs(stage) -> set[Path]:
    """Return every project file that a stage runs; methods of its own area, and of folders that its code names."""
    start = ROOT / "tasks" / f"{stage.task}.py"
    if not start.exists():
        return set()
    files = closure(start, ROOT / "tasks/__init__.py")
    words = {node.value for file in files for node in ast.walk(tree(file)) if isinstance(node, ast.Constant)}
    for folder in method_folders():
        if folder in words or folder.startswith(f"{stage.task}/"):
            own = chosen(stage, folder)
            files |= own | {path.parent / "__init__.py" for path in own}  # importing a method runs its package's
    return closure(*(file for file in files if file.exists())) | {file for file in files if not file.exists()}


# Graph, tasks, parameters, areas.


def test_every_stage_has_its_task_and_every_task_its_stage(graph):
    files = {path.stem for path in (ROOT / "tasks").glob("*.py")} - {"__init__"}
    assert files == tasks(graph)


def test_every_stage_has_its_section_of_params_and_every_section_its_stage(graph):
    assert {name for name, value in PARAMS.items() if isinstance(value, dict)} == tasks(graph)


def test_areas_are_the_stages_that_compute_and_the_world(graph):
    assert areas() == tasks(graph) - {JUDGE} | {YARDSTICK}


def test_every_stage_runs_its_own_task_and_says_what_it_does(graph):
    described = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for name, stage in graph.items():
        assert stage.cmd.startswith(f"python -m tasks.{stage.task}"), f"{name} runs {stage.cmd}"
        assert (described[stage.task].get("do") or described[stage.task]).get("desc"), f"{name} has no desc"


def unwatched(graph) -> list[str]:
    missing = {
        f"{name}: {file.relative_to(ROOT)}"
        for name, stage in graph.items()
        for file in runs(stage)
        if not (file.exists() and is_prose(file))
        and not any(covers(dep, str(file.relative_to(ROOT))) for dep in stage.deps)
    }
    return sorted(missing)


def test_a_stage_watches_every_project_file_that_it_runs(graph):
    assert unwatched(graph) == [], "add them to the deps in dvc.yaml"


@pytest.mark.parametrize("dep", ["rlhf_pipeline/models.py", "rlhf_pipeline/verdicts.py"])
def test_the_guard_sees_a_file_that_is_watched_no_more(graph, dep):
    """One of the files is imported inside a function, the other by a module that the task imports."""
    stage = graph["evaluation"]
    planted = replace(stage, deps=tuple(name for name in stage.deps if name != dep))
    assert f"evaluation: {dep}" in unwatched({"evaluation": planted})


def test_the_guard_sees_a_method_that_is_watched_no_more(graph):
    methods = "rlhf_pipeline/validation/aggregators/"
    stage = graph["evaluation"]
    planted = replace(stage, deps=tuple(name for name in stage.deps if not name.startswith(methods)))
    assert [line for line in unwatched({"evaluation": planted}) if methods in line]


def test_a_stage_watches_no_single_file_that_it_never_runs(graph):
    idle = {
        f"{name}: {dep}"
        for name, stage in graph.items()
        for dep in stage.deps
        if dep.endswith(".py") and ROOT / dep not in runs(stage)
    }
    assert not idle, "a change there reruns the stage for nothing: " + ", ".join(sorted(idle))


def test_every_project_file_in_the_graph_exists(graph):
    code = [folder.name for folder in CODE]
    deps = {dep for stage in graph.values() for dep in stage.deps if dep.split("/")[0] in code}
    assert sorted(dep for dep in deps if not (ROOT / dep).exists()) == []


def test_every_data_file_of_the_library_is_watched_or_chosen(graph):
    asked = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "params.yaml", *ROOT.glob("profiles/*.yaml")])
    deps = {dep for stage in graph.values() for dep in stage.deps}
    files = [p for p in LIBRARY.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
    names = [str(path.relative_to(ROOT)) for path in files]
    assert [n for n in names if n not in asked and not any(covers(dep, n) for dep in deps)] == []


# Imports go one way.


def test_an_area_imports_itself_earlier_areas_and_root_modules(graph):
    allowed = {area: {area, YARDSTICK, None} | upstream(graph, area) for area in areas() - {YARDSTICK}}
    allowed |= {YARDSTICK: {YARDSTICK, None}, None: {None}}
    wrong = [
        f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
        for path in sources(LIBRARY)
        for other in imported(path)
        if other.is_relative_to(LIBRARY) and area_of(other) not in allowed[area_of(path)]
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", ["rlhf_pipeline", "tasks"])
def test_what_a_stage_runs_knows_nothing_of_who_runs_it(folder):
    strangers = {f.name for f in CODE} - {folder, "rlhf_pipeline"} | {"prefect", "dvc"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(ROOT / folder)
        for name in names_imported(path)
        if name.split(".")[0] in strangers
    ]
    assert wrong == []


def test_flows_name_neither_torch_nor_trl():
    named = {f"{p.relative_to(ROOT)}: {n}" for p in sources(ROOT / "flows") for n in names_imported(p)}
    assert sorted(n for n in named if n.split(": ")[1].split(".")[0] in ("torch", "trl", "transformers")) == []


def test_importing_the_flows_loads_neither_torch_nor_trl():
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources(ROOT / "flows")]
    lines = [f"import {module.removesuffix('.__init__')}" for module in modules if not module.endswith("__main__")]
    script = "\n".join([*lines, "import sys", "print(*{'torch', 'trl'} & set(sys.modules))"])
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


# Methods.


@pytest.mark.parametrize("path", method_files(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_method_has_its_settings_its_summary_and_its_test(path):
    mirrored = ROOT / "tests" / path.relative_to(LIBRARY).parent / f"test_{path.name}"
    assert mirrored.exists(), f"write {mirrored.relative_to(ROOT)}"
    classes = [node.name for node in tree(path).body if isinstance(node, ast.ClassDef)]
    assert "Params" in classes, "a method holds its typed Params"
    assert docstring(path), "the first line of a method's file says what it is"


@pytest.mark.parametrize("folder", sorted(method_folders()))
def test_methods_of_a_folder_have_one_signature(folder):
    promised = docstring(LIBRARY / folder / "__init__.py").partition("`Params` and `")[2].partition("(")[0]
    if not promised:
        pytest.skip("the folder promises no signature yet")
    signatures = {}
    for path in (path for path in method_files() if path.parent == LIBRARY / folder):
        found = [n for n in tree(path).body if isinstance(n, ast.FunctionDef) and n.name == promised]
        assert found, f"{path.relative_to(ROOT)} has no {promised}()"
        signatures[path.stem] = ast.unparse(found[0].args)
    assert len(set(signatures.values())) <= 1, signatures


def test_every_method_accepts_its_own_defaults_and_refuses_an_unknown_setting():
    from pydantic import ValidationError

    from rlhf_pipeline import methods

    for path in method_files():
        module = methods.load(str(path.parent.relative_to(LIBRARY)), path.stem)
        module.Params()
        with pytest.raises(ValidationError):
            module.Params(no_such_setting=1)


def test_every_method_that_the_parameters_name_exists(graph):
    missing = {str(f.relative_to(ROOT)) for stage in graph.values() for f in runs(stage) if not f.exists()}
    assert sorted(missing) == []


def test_side_by_side_each_file_stays_on_one_worker(request):
    if not request.config.getoption("loadgroup", False):
        pytest.skip("not run by `make test`")
    assert request.node.nodeid.endswith("@tests/test_structure.py")
