"""Drawing programs that ran once: they made the pictures in `data/styles` and `data/textures`."""
