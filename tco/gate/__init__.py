"""The gate: budgets and required decisions held against what a scenario comes to. It prints nothing."""
