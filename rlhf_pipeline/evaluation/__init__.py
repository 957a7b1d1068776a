"""The area of the stage `evaluation`."""
