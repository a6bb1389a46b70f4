"""Quality of tasks that need several rooms of the house at once; `steward eval NAME` runs them."""
