"""Trade stores behind one port."""
