"""Quality: checks across the layers that no single model can make."""
