"""DBC, KCD, SYM and ARXML files as messages and signals with generated codecs. Knows no other room."""
