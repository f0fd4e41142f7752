"""Stands before the installed uvloop where a profile is measured without it: to whoever imports it, it is not there."""

raise ImportError("this profile is measured without uvloop")
