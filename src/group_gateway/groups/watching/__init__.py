"""Who wants to know of changes of groups, and how they are found."""
