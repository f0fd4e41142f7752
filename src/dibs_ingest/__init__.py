"""The document-ingestion service, built on dibs."""
