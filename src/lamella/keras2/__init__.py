"""What `tf.keras` still has of Keras 2, and old programs use: functions of `backend`, generators, the tokenizer."""
