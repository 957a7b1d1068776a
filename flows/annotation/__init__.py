"""Labels asked for where they teach most, and taken in again: `rlhf annotate export` and `rlhf annotate import`.

A form is a module with `files(items) -> {name: text}`, what its tool takes in, and `answers(rows, annotator) ->
Iterator[Answer]`, what it gives out; `annotator` names where the person stands.
"""
