"""What can be found wrong without driving: faults and doubts of a project's files, and of a log held against them."""
