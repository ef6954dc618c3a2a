"""A search engine within the process, spoken to through opensearch-py as a server is."""
