import random

import pytest

from rlhf_pipeline.simulation import problems
from rlhf_pipeline.simulation.problems import Problem, correct_steps, draw_sum, draw_verdict, is_correct

SUM = Problem("start with two then add three then take one", ("five", "four"), "four")


def worked_out(prompt):
    """Return the results of a chain of sums, read from its prompt alone."""
    value, results = problems.NUMBERS.index(prompt.split()[2]), []
    for part in prompt.split(" then ")[1:]:
        act, amount = part.split()
        value += problems.NUMBERS.index(amount) * (1 if act == "add" else -1)
        results.append(problems.NUMBERS[value])
    return results


def test_a_solution_says_its_steps_and_its_answer():
    assert SUM.solution == "step five . step four . answer four ."
    assert correct_steps(SUM, SUM.solution) == [True, True]
    assert is_correct(SUM, SUM.solution)


@pytest.mark.parametrize(
    ("completion", "steps"),
    [
        ("step five . step six . answer four .", [True, False]),
        ("step four . step five . answer four .", [False, False]),
        ("step five .", [True, False]),
        ("step", [False, False]),
        ("", [False, False]),
    ],
)
def test_steps_count_in_their_place(completion, steps):
    assert correct_steps(SUM, completion) == steps


@pytest.mark.parametrize(
    "completion", ["answer five .", "answer four . answer five .", "four", "", "answer fourteen ."]
)
def test_any_other_answer_is_wrong(completion):
    assert not is_correct(SUM, completion)


def test_sums_are_right_and_stay_within_the_number_words():
    rng = random.Random(0)
    for _ in range(200):
        problem = draw_sum(rng)
        assert worked_out(problem.prompt) == list(problem.steps)
        assert problem.answer == problem.steps[-1]


def test_a_sum_has_as_many_steps_as_asked():
    assert len(draw_sum(random.Random(0), num_steps=5).steps) == 5


def test_verdicts_are_right():
    rng, kinds = random.Random(0), set()
    for _ in range(300):
        problem = draw_verdict(rng)
        words = problem.prompt.split()
        first, *rest = [problems.NUMBERS.index(word) for word in words if word in problems.NUMBERS]
        kinds.add(words[0])
        if words[0] == "is":
            assert problem.answer == ("yes" if first > rest[0] else "no")
        elif words[0] == "which":
            assert problem.answer == ("tie" if first == rest[0] else "A" if first > rest[0] else "B")
        else:
            assert problem.answer in problems.GRADES
            assert first != 15 or problem.answer == "excellent"
            assert first != 0 or problem.answer == "bad"
    assert len(kinds) == 3
