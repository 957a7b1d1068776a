"""Completions whose every asked value is marked yes or no: correctness known step by step, in words.

They stand in the demonstrations beside plain completions: a trunk that has learned to mark knows what a request means,
as large models do from their pretraining; without them reward models of this size do not learn to read the prompt.
"""

from rlhf_pipeline.simulation.problems import YES_NO
from rlhf_pipeline.simulation.prompts import Task
from rlhf_pipeline.simulation.words import ENDINGS, KIND_OF, surfaces

INSTRUCTION = "mark"


def mark(task: Task, completion: str) -> str:
    """Return the completion with yes or no after each word, and after the ending, that shows an asked slot."""
    asked, marked = task.slots, []
    for word in completion.split():
        marked.append(word)
        slot = KIND_OF.get(word, "").strip("{}")
        if slot in asked:
            marked.append(YES_NO[word not in surfaces(slot, asked[slot])])
    shown = next((value for value, phrases in ENDINGS.items() if completion.endswith(phrases)), None)
    if shown and "ending" in asked:
        marked.append(YES_NO[shown != asked["ending"]])
    return " ".join(marked)


def steps(task: Task, marked: str) -> list[bool]:
    """Return for each mark of a marked completion whether it is right."""
    words = marked.split()
    right = mark(task, " ".join(w for w in words if w not in YES_NO)).split()
    expected = [w for w in right if w in YES_NO]
    said = [w for w in words if w in YES_NO]
    return [i < len(said) and said[i] == word for i, word in enumerate(expected)]
