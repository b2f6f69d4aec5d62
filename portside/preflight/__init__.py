"""What can be known of a deployment before it happens: one module a subject, each with the questions that it asks."""
