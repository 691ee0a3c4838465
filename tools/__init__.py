"""What developers and CI run beside the platform; never imported by it."""
