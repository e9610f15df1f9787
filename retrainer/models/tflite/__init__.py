"""TFLite models (`.tflite`)."""
