//! CPU kernels for video networks as plain functions over slices.
