"""The decisions and parsers of the device, proved equal to the specification or a second reading."""
