"""The area of the stage `rewards`."""
