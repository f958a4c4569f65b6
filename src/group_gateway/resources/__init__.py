"""Resources of other types than Group: the targets of references, read by id."""
