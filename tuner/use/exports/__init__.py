"""A saved model in the formats of other runtimes, each compared with the Keras model where it is to run."""
