"""Replicas of a model: how many run, what they are billed, bought or rented."""
