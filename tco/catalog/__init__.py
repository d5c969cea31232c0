"""Prices, people, capacity and currencies: the models of a catalogue file and the look-up of its entries."""
