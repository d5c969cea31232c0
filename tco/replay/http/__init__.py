"""One server over HTTP: where requests may go, what they carry, what came back."""
