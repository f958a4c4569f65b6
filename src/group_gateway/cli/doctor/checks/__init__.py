"""The checks of `group-gateway doctor`, one module for each subject."""
