import sys
from types import SimpleNamespace

import pytest
from pydantic import Field, ValidationError

from rlhf_pipeline import methods
from rlhf_pipeline.methods import MethodError, MethodParams

CLIP = '''"""Clip what is too large."""

from pydantic import Field

from rlhf_pipeline.methods import MethodParams


class Params(MethodParams):
    """Settings."""

    limit: float = Field(default=2.0, gt=0)
'''


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of one folder of methods and one folder that is none."""
    for folder, doc in [("rewards/toys", "Methods: toys."), ("rewards/plain", "Something else.")]:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").write_text(f'"""{doc}"""\n')
        (tmp_path / folder / "clip.py").write_text(CLIP)
    (tmp_path / "rewards/toys/_shared.py").write_text('"""Shared."""\n')
    (tmp_path / "rewards/toys/squash.py").write_text(CLIP)
    monkeypatch.setattr(methods, "PACKAGE", tmp_path)
    return tmp_path


class Params(MethodParams):
    """Settings of a method that exists in this test alone."""

    temperature: float = Field(default=1.0, gt=0, le=2)
    steps: int = 10


TOY = SimpleNamespace(Params=Params, __name__="rlhf_pipeline.rewards.toys.toy")


def test_only_folders_that_say_so_hold_methods(library):
    assert methods.folders() == ["rewards/toys"]


def test_every_file_is_a_method_but_for_shared_parts(library):
    assert methods.names("rewards/toys") == ["clip", "squash"]


def test_a_file_put_into_the_folder_is_a_method_at_once(library):
    (library / "rewards/toys/abacus.py").write_text(CLIP)
    assert methods.names("rewards/toys") == ["abacus", "clip", "squash"]


def test_a_real_method_is_loaded_by_name():
    folder = next(folder for folder in methods.folders() if methods.names(folder))
    name = methods.names(folder)[0]
    assert methods.load(folder, name).__name__ == f"rlhf_pipeline.{folder.replace('/', '.')}.{name}"


def test_a_misspelt_method_is_refused_with_the_near_name(library):
    with pytest.raises(MethodError, match=r"unknown method 'squish' in rewards/toys\. Did you mean squash\?"):
        methods.load("rewards/toys", "squish")


def test_a_name_like_no_other_gets_the_whole_list(library):
    with pytest.raises(MethodError, match="Known: clip, squash"):
        methods.load("rewards/toys", "zzzzzzzz")


@pytest.mark.parametrize("name", ["_shared", "__init__", "../plain/clip", "clip.py", ""])
def test_what_is_no_method_is_not_imported(library, name):
    before = set(sys.modules)
    with pytest.raises(MethodError):
        methods.load("rewards/toys", name)
    assert set(sys.modules) == before


def test_an_empty_folder_says_that_nothing_is_known(library):
    (library / "rewards/empty").mkdir()
    with pytest.raises(MethodError, match="Known: none"):
        methods.load("rewards/empty", "clip")


def test_overrides_replace_defaults_and_leave_the_rest():
    assert methods.settings(TOY, {"temperature": 0.5}) == Params(temperature=0.5, steps=10)
    assert methods.settings(TOY) == methods.settings(TOY, {}) == Params()


def test_an_unknown_setting_is_refused_with_the_near_key():
    with pytest.raises(MethodError, match=r"settings of toy: temprature: unknown key\. Did you mean temperature\?"):
        methods.settings(TOY, {"temprature": 0.5})


@pytest.mark.parametrize(
    ("key", "value"), [("temperature", 0), ("temperature", 2.5), ("steps", "many"), ("steps", 1.5)]
)
def test_a_value_out_of_range_or_of_another_type_is_refused_with_what_was_given(key, value):
    with pytest.raises(MethodError, match=rf"settings of toy: {key}: .*got {value!r}"):
        methods.settings(TOY, {key: value})


def test_all_mistakes_are_told_at_once():
    with pytest.raises(MethodError, match=r"temperature: .*; steps: "):
        methods.settings(TOY, {"temperature": -1, "steps": "many"})


def test_settings_cannot_be_changed_after_the_fact():
    with pytest.raises(ValidationError, match="frozen"):
        methods.settings(TOY).steps = 3
