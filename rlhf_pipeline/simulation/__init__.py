"""The built-in world: prompts, completions and annotators with an exact gold reward."""
