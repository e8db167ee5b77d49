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

impl Damage {
    /// What the bit rate of a source is that of, whatever it is stored in.
    pub const SOURCE: Codec = Codec::H264;

    /// What the stream that comes out is compressed with.
    pub fn codec(self) -> Codec {
        match self {
            Self::Factor(codec, _) | Self::Quantiser(codec, _) | Self::BitRate(codec, _) => codec,
            Self::Noise(_) | Self::Loss(_) => Codec::H264,
            Self::FrameRate(_) => Codec::H265,
        }
    }

    /// All that is needed on the way.
    pub fn codecs(self) -> Vec<Codec> {
        match self {
            Self::BitRate(codec, _) if codec != Self::SOURCE => vec![Self::SOURCE, codec],
            other => vec![other.codec()],
        }
    }
}
