"""What an API bills, and on which terms."""
