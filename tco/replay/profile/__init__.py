"""What was proven, as an entry of a catalogue."""
