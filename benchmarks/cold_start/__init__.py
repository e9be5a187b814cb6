"""What a fresh process of every function takes until its first answers, beside importing boto3."""
