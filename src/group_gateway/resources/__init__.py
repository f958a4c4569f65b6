"""Resources of other types than Group, read by id for whoever a reference is followed for."""
