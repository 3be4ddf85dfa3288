"""Guards: each shared field of the device declares what keeps it sound, and every access is held to that."""
