"""The networks that the papers compare theirs with: one room per task, trained under the paper's protocol."""
