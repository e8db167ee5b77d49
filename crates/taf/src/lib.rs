//! Temporal adversarial augmentation and fine-tuning for video recognition.
