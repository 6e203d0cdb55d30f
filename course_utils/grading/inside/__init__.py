"""What runs inside of the sandbox: these files are copied into it (see `visible`), and nothing that they say is believed."""
