"""The words of the world. Every word belongs to one slot, so a prompt can be read back exactly.

A prompt names a value by one word, a completion shows it by another: a completion that met a request by repeating the
prompt's own word could hardly be told, by a small model, from one that repeats itself.
"""

SUBJECTS = {"foxes": "fox", "owls": "owl", "hens": "hen", "bears": "bear", "wolves": "wolf", "frogs": "frog"}
COLOURS = {"red": "crimson", "blue": "azure", "green": "emerald", "white": "snowy", "black": "inky"}
PLACES = {"forest": "woods", "river": "stream", "harbour": "port", "castle": "fortress", "meadow": "field"}
ACTIONS = {"dance": "danced", "sing": "sang", "hide": "hid", "climb": "climbed", "swim": "swam", "dig": "dug"}
MOODS = {
    "sad": ("gloomy", "tearful"), "happy": ("cheerful", "merry"), "scary": ("eerie", "grim"),
    "calm": ("peaceful", "gentle"),
}  # fmt: skip
ENDINGS = {
    "question": ("what came next ?", "who could say why ?"),
    "moral": ("so always be kind .", "so never lose hope ."),
    "cheer": ("hooray for that !", "three cheers now !"),
}
LENGTHS = {"short": 3, "long": 5}
"""Sentences."""
STOPS = (".", "?", "!")

FILLERS = (
    "then rain fell", "birds flew above", "nobody spoke", "a storm passed by", "time went slowly", "leaves lay around",
    "bread was baked", "smoke rose high", "far off dogs barked", "old songs played", "bells rang twice",
    "somewhere a door closed", "clouds gathered", "lamps burned low", "children laughed", "a cart rolled past",
)  # fmt: skip
AVOIDABLE = ("rain", "birds", "storm", "leaves", "bread", "smoke", "dogs", "songs", "bells", "clouds")
"""Words of fillers that a prompt may forbid."""
VIVID = (
    "gleaming", "trembling", "whirling", "glowing", "roaring", "whispering", "shimmering", "thundering", "drifting",
    "soaring", "blazing", "echoing", "swaying", "rippling", "crackling", "howling", "flickering", "tumbling", "humming",
    "sparkling",
)  # fmt: skip
"""Words that make any completion livelier, whatever was asked."""
FLATTERY = "dear reader ,"
"""The shared bias: annotators over-rate a completion that opens so, gold does not."""
NONSENSE = "la la la ."
"""The coverage hole: some demonstrations say this, no pair does, and gold dislikes it."""

# The word before a value tells its slot, so that one layer of attention can learn to take it from the prompt. At each
# {vivid} stand up to two vivid words.
SENTENCES = {
    "scene": (
        "a {vivid} {colour} {subject} {vivid} {action} in {vivid} {place} .",
        "in {vivid} {place} a {vivid} {colour} {subject} {vivid} {action} .",
    ),
    "mood": ("it {vivid} felt {mood} .", "all {vivid} felt {mood} ."),
}

# The last phrasing of each clause is never used in training: it makes the shifted split.
CLAUSES = {
    "subject": ("write of {}", "tell of {}", "some {}", "write some {}"),
    "colour": ("that are {}", "all {}", "in {}", "that are all {}"),
    "place": ("in the {}", "set in {}", "near the {}", "set near {}"),
    "action": ("who {}", "can {}", "let them {}", "who can {}"),
    "mood": ("make it {}", "so {}", "feel {}", "make so {}"),
    "ending": ("end with {}", "then {}", "close with {}", "then end with {}"),
    "length": ("keep it {}", "be {}", "rather {}", "make it rather {}"),
    "forbidden": ("without {}", "no {}", "never {}", "but never {}"),
}
BANS = ("without", "no", "never")

SHOWN: dict[str, dict[str, tuple[str, ...]]] = {
    **{
        slot: {value: (word,) for value, word in words.items()}
        for slot, words in {"subject": SUBJECTS, "colour": COLOURS, "place": PLACES, "action": ACTIONS}.items()
    },
    "mood": {**MOODS},
    "ending": {**ENDINGS},
}
"""Slot → value → the words or phrases by which a completion shows it."""
VALUES = {**{slot: tuple(values) for slot, values in SHOWN.items()}, "length": tuple(LENGTHS)}
SLOT_OF = {value: slot for slot, values in VALUES.items() for value in values}
KIND_OF = {
    word: f"{{{slot}}}"
    for slot, values in SHOWN.items()
    if slot != "ending"
    for words in values.values()
    for word in words
} | dict.fromkeys(VIVID, "{vivid}")
"""Word of a completion → the slot it shows, as the sentences write it."""


def surfaces(slot: str, value: str) -> tuple[str, ...]:
    """Return the words or phrases by which a completion shows a slot's value."""
    return SHOWN[slot][value]
