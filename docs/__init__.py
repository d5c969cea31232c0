"""Documentation, and the script that writes what is generated in it."""
