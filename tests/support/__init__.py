"""What several tests lean on: fakes with behaviour, never mocks."""
