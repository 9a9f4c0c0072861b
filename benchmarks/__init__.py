"""What `make bench` and `make accuracy` measure; no part of the package."""
