"""Studies, which may import everything; nothing imports them."""
