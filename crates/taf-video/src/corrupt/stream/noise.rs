//! Bit errors as FFmpeg's bitstream filter `noise` makes them.

/// A sum over all bytes of a stream; where `amount` divides it, its last eight bits take the place of the byte. So about one
/// byte of `amount` is another, and the contents alone decide which.
pub struct Noise {
    amount: u32,
    sum: u32,
}

impl Noise {
    /// `amount` is at least 1.
    pub fn new(amount: u32) -> Self {
        Self { amount, sum: 0 }
    }

    /// The next bytes of the stream.
    pub fn spoil(&mut self, data: &mut [u8]) {
        for byte in data {
            self.sum = self.sum.wrapping_add(u32::from(*byte) + 1);
            if self.sum.is_multiple_of(self.amount) {
                *byte = self.sum as u8;
            }
        }
    }
}
