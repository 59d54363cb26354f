"""Values → what people and programs read; does not print."""
