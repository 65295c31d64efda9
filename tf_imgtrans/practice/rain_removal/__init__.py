"""The network of the feature-pyramid paper trained to take rain out of photographs."""
