"""`python -m dibs` is the same as `dibs`."""

from dibs.cli import main

main()
