"""The area of the stage `policy`."""
