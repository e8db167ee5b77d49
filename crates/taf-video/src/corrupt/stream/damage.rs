use super::encoder::Codec;

/// What happens to the stream, from mild to worst.
#[derive(Clone, Copy)]
pub enum Damage {
    /// Encoded at these constant rate factors.
    Factor(Codec, [u8; 5]),
    /// Encoded with these quantisers.
    Quantiser(Codec, [u8; 5]),
    /// Encoded at the bit rate of the source over these.
    BitRate(Codec, [usize; 5]),
    /// One byte of so many is another.
    Noise([u32; 5]),
    /// This share of the packets of a network is lost.
    Loss([f64; 5]),
    /// Encoded at these frames per second.
    FrameRate([f64; 5]),
}
