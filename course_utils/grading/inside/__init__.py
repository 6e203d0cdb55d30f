"""What runs inside of the sandbox. These files are copied into it; nothing that they say is believed."""
