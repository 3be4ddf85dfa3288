"""Parsers of attribute texts, each as the kernel parses: numbers, words, arguments, ranges."""
