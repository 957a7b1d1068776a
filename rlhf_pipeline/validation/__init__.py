"""The area of the stage `validation`."""
