"""The area of the stage `curation`."""
