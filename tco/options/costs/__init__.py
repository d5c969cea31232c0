"""What is paid around the models: people, storage, embeddings, what wrong answers cost."""
