"""Engines: what makes the methods fast and general; not read in class. Tests hold each equal to a plain version."""
