"""What each paper publishes: its numbers, and what its text says of them."""
