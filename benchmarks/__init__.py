"""What a generated project costs, measured beside the bare framework: ``make bench``."""
