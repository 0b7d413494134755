"""From the winner to use: what lies beside a saved model, new pictures, predictions, exports."""
