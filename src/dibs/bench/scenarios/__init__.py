"""What is done with a system, and how its clock runs. One file for each kind; written once, for every system."""
