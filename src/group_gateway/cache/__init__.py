"""A bounded cache whose entries are private to a caller and dropped by writes."""
