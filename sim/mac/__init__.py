"""Number formats bit by bit, and the engines that multiply and accumulate in them."""
