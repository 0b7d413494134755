"""Everything that touches Keras, but for what families build; only workers import it."""
