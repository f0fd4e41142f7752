"""What the nemesis can do, one file each."""
