"""Engines: what makes the methods fast and general. Not read in class; each is held equal to a plain version by its tests."""
