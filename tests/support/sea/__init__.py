"""A whole house on virtual time beside the sandbox's exchange, and a judge of what it does there."""
