"""The traffic to be served: what a scenario says of it, and the demand an option is asked to meet."""
