"""What follows from the line items: the case as read, its comparison, its crossovers and bands."""
