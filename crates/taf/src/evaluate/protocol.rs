use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use taf_video::transform::{Crops, EvalTransformConfig};
use taf_video::{DenseSampler, Sampling, TemporalViews};

use super::Average;

/// How a paper or its code tests a network: which clips and crops of a video, and how the answers to them are averaged.
///
/// Frames are segments over the whole video where nothing else is said; the number of frames of a clip is the network's own.
/// Crops are of videos whose short side is resized to 256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TSM's "efficient" column: `test_models.py --test_crops 1`.
    TsmEfficient,
    /// TSM's "accurate" column: `test_models.py --test_crops 3 --twice_sample --full_res`.
    TsmAccurate,
    /// GST's validation, the only test it publishes (`main.py -e`). Videos of fewer frames than a clip repeat them in order,
    /// where its code shows the first frame alone.
    Gst,
    /// TAM on Something-Something V2: `test_models.py --test_crops 3 --full_res --sample uniform-2`.
    TamAccurate,
    /// TPN's `test_recognizer.py --fcn_testing`: twice as many frames as a clip has are spread over the video and dealt to two
    /// clips. Its classifier answers for every place of the last map, and these answers are averaged: as it is linear, that is
    /// its answer to the average of the map, which is what ours gives at every size.
    Tpn,
    /// The test of mmaction2's TANet, TSM and TPN on Something-Something (`twice_sample`, `ThreeCrop`), whose tables count
    /// frames and call two clips of eight "16 clips". Its crops may lie up to 2 pixels from ours.
    Tanet,
    /// TSM and TAM on Kinetics: `--dense_sample` or `--sample dense-10`, `--test_crops 3 --full_res`.
    Dense10x3,
}

/// A name that no protocol has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("protocol must be {}, got {name:?}", Protocol::ALL.map(Protocol::name).join(", "))]
pub struct UnknownProtocol {
    /// The name as given.
    pub name: String,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::TsmEfficient, Self::TsmAccurate, Self::Gst, Self::TamAccurate, Self::Tpn, Self::Tanet, Self::Dense10x3];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::TsmEfficient => "tsm-efficient",
            Self::TsmAccurate => "tsm-accurate",
            Self::Gst => "gst",
            Self::TamAccurate => "tam-accurate",
            Self::Tpn => "tpn",
            Self::Tanet => "tanet",
            Self::Dense10x3 => "dense-10x3",
        }
    }

    /// What it is, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Self::TsmEfficient | Self::Gst => "1 clip (segment middles), centre crop of 224",
            Self::TsmAccurate => "2 clips (segment middles, beginnings) x 3 crops of 256, mean of logits",
            Self::TamAccurate => "2 clips (earliest, latest of segments) x 3 crops of 256, mean of logits",
            Self::Tpn => "2 clips (even, odd frames) x 3 crops of 256, mean of probabilities",
            Self::Tanet => "2 clips (segment middles, beginnings) x 3 crops of 256, mean of probabilities",
            Self::Dense10x3 => "10 clips of 64 frames x 3 crops of 256, mean of logits",
        }
    }

    /// How the `frames` of a clip are chosen.
    ///
    /// # Panics
    /// If `frames` is zero.
    pub fn sampling(self, frames: usize) -> Sampling {
        match self {
            Self::Dense10x3 => Sampling::Dense(DenseSampler::new(frames)),
            _ => Sampling::segments(frames),
        }
    }

    /// Clips along time.
    pub fn temporal(self) -> TemporalViews {
        let uniform = |clips| TemporalViews::Uniform(NonZeroUsize::new(clips).expect("a protocol has clips"));
        match self {
            Self::TsmEfficient | Self::Gst => TemporalViews::Centre,
            Self::TsmAccurate | Self::Tanet => TemporalViews::Twice,
            Self::TamAccurate => uniform(2),
            Self::Tpn => TemporalViews::Interleaved,
            Self::Dense10x3 => uniform(10),
        }
    }

    /// Resize and crops.
    pub fn transform(self) -> EvalTransformConfig {
        let (size, crops) = match self {
            Self::TsmEfficient | Self::Gst => (224, Crops::Centre),
            _ => (256, Crops::Three),
        };
        EvalTransformConfig { size, short_side: Some(256), crops }
    }

    /// What becomes of the answers to the views.
    pub fn average(self) -> Average {
        match self {
            Self::Tpn | Self::Tanet => Average::Probabilities,
            _ => Average::Logits,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        let named = Self::ALL.into_iter().find(|protocol| protocol.name() == name);
        named.ok_or_else(|| UnknownProtocol { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use taf_video::{Clip, Frame};

    use super::*;

    /// The frames of all clips of four frames of a video of 100.
    fn clips(protocol: Protocol) -> Vec<Vec<usize>> {
        protocol.sampling(4).views(100, protocol.temporal())
    }

    /// Left upper corner and side of every crop of a video of 320 x 256.
    fn crops(protocol: Protocol) -> Vec<(usize, usize, usize)> {
        let pixel = |at: usize| [(at % 320) as u8, (at / 320) as u8, u8::from(at % 320 >= 256)];
        let data = (0..320 * 256).flat_map(pixel).collect();
        let corner = |view: &Clip| {
            let [x, y, high] = view.frames()[0].pixel(0, 0);
            (usize::from(x) + 256 * usize::from(high), usize::from(y), view.width())
        };
        let video = Clip::new(vec![Frame::new(320, 256, data)]);
        protocol.transform().init().unwrap().views(video).iter().map(corner).collect()
    }

    const THREE: [(usize, usize, usize); 3] = [(0, 0, 256), (32, 0, 256), (64, 0, 256)];

    /// Of 100 frames and four segments a segment has 25: the middles are 12.5 + 25 i, the beginnings 25 i, rounded down.
    #[test]
    fn the_frames_of_every_protocol_are_those_of_its_formula() {
        let (middles, beginnings) = (vec![12, 37, 62, 87], vec![0, 25, 50, 75]);
        for protocol in [Protocol::TsmEfficient, Protocol::Gst] {
            assert_eq!(clips(protocol), std::slice::from_ref(&middles), "{protocol}");
        }
        for protocol in [Protocol::TsmAccurate, Protocol::Tanet] {
            assert_eq!(clips(protocol), [middles.clone(), beginnings.clone()], "{protocol}");
        }
        // The second start is tick - 1 = 24.
        assert_eq!(clips(Protocol::TamAccurate), [beginnings, vec![24, 49, 74, 99]]);
        // 6.25 + 12.5 i for i < 8, the even and the odd.
        assert_eq!(clips(Protocol::Tpn), [[6, 31, 56, 81], [18, 43, 68, 93]]);
        // Stride 64 / 4; starts from 0 to 36 in nine gaps of 4.
        let dense = clips(Protocol::Dense10x3);
        assert_eq!(dense.len(), 10);
        assert_eq!(
            (dense[0].as_slice(), dense[1].as_slice()),
            ([0, 16, 32, 48].as_slice(), [4, 20, 36, 52].as_slice())
        );
        assert_eq!(dense[9], [36, 52, 68, 84]);
    }

    #[test]
    fn the_crops_of_every_protocol_are_those_of_its_paper() {
        for protocol in Protocol::ALL {
            match protocol {
                Protocol::TsmEfficient | Protocol::Gst => assert_eq!(crops(protocol), [(48, 16, 224)], "{protocol}"),
                _ => assert_eq!(crops(protocol), THREE, "{protocol}"),
            }
        }
    }

    #[test]
    fn every_protocol_is_found_by_its_name_and_an_unknown_name_lists_them() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
            assert!(!protocol.summary().is_empty());
        }
        let error = "tsm".parse::<Protocol>().unwrap_err().to_string();
        assert!(error.contains("tsm-efficient, tsm-accurate, gst") && error.ends_with("got \"tsm\""), "{error}");
    }
}
