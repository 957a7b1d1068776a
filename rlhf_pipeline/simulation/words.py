"""The words of the world. Every word belongs to one slot, so a prompt can be read back exactly."""

SUBJECTS = [
    "fox",
    "owl",
    "hen",
    "bear",
    "wolf",
    "crow",
    "frog",
    "hare",
    "mole",
    "goat",
    "duck",
    "swan",
    "deer",
    "seal",
    "crab",
    "lynx",
    "otter",
    "heron",
    "badger",
    "turtle",
    "donkey",
    "falcon",
    "beetle",
    "weasel",
]
COLOURS = ["red", "blue", "green", "grey", "white", "black", "golden", "silver", "brown", "purple"]
PLACES = [
    "forest",
    "river",
    "harbour",
    "castle",
    "meadow",
    "village",
    "desert",
    "garden",
    "mountain",
    "tower",
    "valley",
    "market",
    "island",
    "tunnel",
    "library",
    "mill",
]
TIMES = ["dawn", "noon", "dusk", "midnight", "winter", "summer", "autumn", "spring"]
COMPANIONS = [
    "baker",
    "sailor",
    "queen",
    "thief",
    "painter",
    "doctor",
    "soldier",
    "farmer",
    "hunter",
    "monk",
    "pirate",
    "tailor",
]
OBJECTS = [
    "lantern",
    "rope",
    "mirror",
    "drum",
    "kettle",
    "map",
    "ladder",
    "bell",
    "basket",
    "sword",
    "candle",
    "letter",
    "wheel",
    "apple",
    "coin",
    "flute",
]
ACTIONS = {
    "dance": "danced", "sing": "sang", "hide": "hid", "climb": "climbed", "swim": "swam", "dig": "dug",
    "wait": "waited", "run": "ran", "sleep": "slept", "jump": "jumped", "paint": "painted", "cook": "cooked",
}  # fmt: skip
MOODS = {
    "sad": ("gloomy", "tearful"), "happy": ("cheerful", "merry"), "scary": ("eerie", "grim"),
    "calm": ("peaceful", "gentle"), "angry": ("furious", "bitter"), "funny": ("silly", "comic"),
    "proud": ("noble", "grand"), "tired": ("weary", "drowsy"),
}  # fmt: skip
ENDINGS = {
    "question": ("what came next ?", "who could say why ?"),
    "moral": ("so always be kind .", "so never lose hope ."),
    "cheer": ("hooray for that !", "three cheers now !"),
}
LENGTHS = {"short": 22, "long": 34}

FILLERS = (
    "then rain fell", "birds flew above", "nobody spoke", "a storm passed by", "time went slowly", "leaves lay around",
    "bread was baked", "smoke rose high", "far off dogs barked", "old songs played",
)  # fmt: skip
AVOIDABLE = ("rain", "birds", "storm", "leaves", "bread", "smoke", "dogs", "songs")
"""Words of fillers that a prompt may forbid."""
FLOURISH = "what a wonderful tale ."
"""The shared bias: annotators over-rate a completion that says this, gold does not."""
NONSENSE = "la la la ."
"""The coverage hole: some demonstrations say this, no pair does, and gold dislikes it."""

# The word before a value tells its slot, so that one layer of attention can learn to copy it from the prompt.
SENTENCES = {
    "scene": (
        "a {colour} {subject} {action} in {place} at {time} .",
        "at {time} a {colour} {subject} {action} in {place} .",
        "in {place} a {colour} {subject} {action} at {time} .",
    ),
    "meeting": (
        "it met {companion} and got {object} .",
        "it got {object} and met {companion} .",
        "there it met {companion} then got {object} .",
    ),
    "mood": ("all felt {mood} .", "it felt {mood} .", "the air felt {mood} ."),
}

# The last phrasing of each clause is never used in training: it makes the shifted split.
CLAUSES = {
    "subject": ("write of a {colour} {subject}", "a {colour} {subject}", "tell of one {colour} {subject}",
                "write of one {colour} {subject}"),
    "place": ("in the {}", "set in {}", "near {}", "set near the {}"),
    "time": ("at {}", "during {}", "when {}", "set at {}"),
    "action": ("who must {}", "can {}", "let it {}", "who can {}"),
    "companion": ("with a {}", "meeting a {}", "beside {}", "with one {}"),
    "object": ("and a {}", "holding a {}", "has a {}", "and one {}"),
    "mood": ("make it {}", "feel {}", "so {}", "make so {}"),
    "ending": ("end with {}", "close on {}", "then {}", "then end with {}"),
    "length": ("keep it {}", "be {}", "rather {}", "make it rather {}"),
    "forbidden": ("without {}", "no {}", "never {}", "but never {}"),
}  # fmt: skip
BANS = ("without", "no", "never")

VALUES = {
    "subject": tuple(SUBJECTS),
    "colour": tuple(COLOURS),
    "place": tuple(PLACES),
    "time": tuple(TIMES),
    "action": tuple(ACTIONS),
    "companion": tuple(COMPANIONS),
    "object": tuple(OBJECTS),
    "mood": tuple(MOODS),
    "ending": tuple(ENDINGS),
    "length": tuple(LENGTHS),
}
SLOT_OF = {value: slot for slot, values in VALUES.items() for value in values}


def surfaces(slot: str, value: str) -> tuple[str, ...]:
    """Return the words or phrases by which a completion shows a slot's value."""
    if slot == "action":
        return (ACTIONS[value],)
    if slot == "mood":
        return MOODS[value]
    return ENDINGS[value] if slot == "ending" else (value,)
