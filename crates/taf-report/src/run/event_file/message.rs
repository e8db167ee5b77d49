//! The part of TensorBoard's `event.proto` and `summary.proto` that a run needs, derived by hand: no protocol-buffer compiler is
//! called. Field numbers are those of TensorBoard's schema.

/// What stands in one record of an event file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Event {
    /// When it was written, seconds since 1970.
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    /// Steps taken by then.
    #[prost(int64, tag = "2")]
    pub step: i64,
    /// [`VERSION`], in the first record of a file.
    #[prost(string, optional, tag = "3")]
    pub file_version: Option<String>,
    /// What is told, in all others.
    #[prost(message, optional, tag = "5")]
    pub summary: Option<Summary>,
}

/// The version of the format.
pub const VERSION: &str = "brain.Event:2";

/// Values that belong to one step.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Summary {
    /// The values.
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Value>,
}

/// A value with the name of its plot; what stands in it before `/` is the name of a group of plots.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Value {
    /// The name.
    #[prost(string, tag = "1")]
    pub tag: String,
    /// The value.
    #[prost(oneof = "Content", tags = "2, 4")]
    pub content: Option<Content>,
}

/// What a value is.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Content {
    /// A number.
    #[prost(float, tag = "2")]
    Scalar(f32),
    /// A picture.
    #[prost(message, tag = "4")]
    Image(Image),
}

/// A picture as the bytes of its file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Image {
    /// Its height in pixels.
    #[prost(int32, tag = "1")]
    pub height: i32,
    /// Its width in pixels.
    #[prost(int32, tag = "2")]
    pub width: i32,
    /// Its channels; [`RGB`].
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    /// The bytes of the PNG.
    #[prost(bytes = "vec", tag = "4")]
    pub encoded_image_string: Vec<u8>,
}

/// Red, green, blue.
pub const RGB: i32 = 3;
