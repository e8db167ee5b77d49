use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::Frame;

/// A frame as the bytes of a JPEG file of a quality from 1 to 100, colour at half resolution, as videos have it.
///
/// # Errors
/// What is wrong with a side of more pixels than such a file can have.
pub(crate) fn jpeg(frame: &Frame, quality: u8) -> Result<Vec<u8>, String> {
    let side = |pixels: usize| u16::try_from(pixels).map_err(|_| format!("a side of {pixels} pixels"));
    let (width, height) = (side(frame.width())?, side(frame.height())?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(frame.data(), width, height, ColorType::Rgb).map_err(|error| error.to_string())?;
    Ok(bytes)
}
