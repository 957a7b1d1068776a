"""One page per stage: read params, read inputs, call the library, write outputs."""
