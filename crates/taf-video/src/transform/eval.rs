//! The spatial views an evaluation looks at.

use serde::{Deserialize, Serialize};

use crate::transform::{Area, check_side, crop, resize_short_side};
use crate::{Clip, Error, Result};

/// Settings of [`EvalTransform`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvalTransformConfig {
    /// Side of the square the network sees, in pixels. Default 224.
    pub size: usize,
    /// Length the short side is resized to before cropping, in pixels, at least `size`. Default `size * 256 / 224`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_side: Option<usize>,
    /// Which squares are cut out. Default `"centre"`.
    pub crops: Crops,
}

impl Default for EvalTransformConfig {
    fn default() -> Self {
        Self { size: 224, short_side: None, crops: Crops::Centre }
    }
}

/// Which squares an evaluation cuts out of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Crops {
    /// The middle.
    #[default]
    Centre,
    /// Both ends and the middle of the long side: left, centre, right; of a portrait top, centre, bottom. The places are
    /// those of `GroupFullResSample` in TSN's `transforms.py`: multiples of a quarter of the free space, rounded down to
    /// whole pixels, so that the last crop may miss the end by up to 3 pixels.
    Three,
}

impl Crops {
    /// Number of crops.
    pub fn count(self) -> usize {
        match self {
            Self::Centre => 1,
            Self::Three => 3,
        }
    }
}

impl EvalTransformConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::Setting`] for a side of zero or above 4096 pixels, or a short side below the size.
    pub fn init(&self) -> Result<EvalTransform> {
        let short_side = self.short_side.unwrap_or(self.size.saturating_mul(256) / 224);
        check_side("size", self.size)?;
        check_side("short_side", short_side)?;
        if short_side < self.size {
            return Err(Error::setting("short_side", format!("at least the size, {}", self.size), short_side));
        }
        Ok(EvalTransform { size: self.size, short_side, crops: self.crops })
    }
}

/// Resizes the short side and cuts out fixed squares; nothing is random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvalTransform {
    size: usize,
    short_side: usize,
    crops: Crops,
}

impl EvalTransform {
    /// Side of the squares in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Number of views per clip.
    pub fn num_views(&self) -> usize {
        self.crops.count()
    }

    /// The views of a clip, [`num_views`](Self::num_views) of them, each `size` x `size`.
    pub fn views(&self, clip: Clip) -> Vec<Clip> {
        let clip = resize_short_side(clip, self.short_side);
        match self.crops {
            Crops::Centre => {
                let area = self.centre(&clip);
                vec![crop(clip, area)]
            }
            Crops::Three => self.along_the_long_side(&clip).map(|area| crop(clip.clone(), area)).into(),
        }
    }

    fn centre(&self, clip: &Clip) -> Area {
        Area::centred(clip, self.size, self.size)
    }

    fn along_the_long_side(&self, clip: &Clip) -> [Area; 3] {
        let quarter = |side: usize| (side - self.size) / 4;
        let (x, y) = (quarter(clip.width()), quarter(clip.height()));
        let middle = Area { x: 2 * x, y: 2 * y, width: self.size, height: self.size };
        match clip.width() >= clip.height() {
            true => [0, 2, 4].map(|quarters| Area { x: quarters * x, ..middle }),
            false => [0, 2, 4].map(|quarters| Area { y: quarters * y, ..middle }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Frame;

    /// Every pixel tells its own column and row.
    fn coordinates(width: usize, height: usize) -> Clip {
        let pixel = |i: usize| [(i % width) as u8, (i / width) as u8, 0];
        let data = (0..width * height).flat_map(pixel).collect();
        Clip::new(vec![Frame::new(width, height, data)])
    }

    fn corners(config: &EvalTransformConfig, clip: Clip) -> Vec<[u8; 3]> {
        config.init().unwrap().views(clip).iter().map(|view| view.frames()[0].pixel(0, 0)).collect()
    }

    #[test]
    fn the_short_side_defaults_to_the_customary_share() {
        assert_eq!(EvalTransformConfig::default().init().unwrap().short_side, 256);
        assert_eq!(EvalTransformConfig { size: 112, ..Default::default() }.init().unwrap().short_side, 128);
    }

    #[test]
    fn views_are_the_centre_or_three_places_along_the_long_side() {
        let centre = EvalTransformConfig { size: 12, short_side: Some(20), crops: Crops::Centre };
        assert_eq!(corners(&centre, coordinates(30, 20)), [[9, 4, 0]]);
        let three = EvalTransformConfig { crops: Crops::Three, ..centre };
        assert_eq!(corners(&three, coordinates(30, 20)), [[0, 4, 0], [8, 4, 0], [16, 4, 0]]);
        assert_eq!(corners(&three, coordinates(20, 30)), [[4, 0, 0], [4, 8, 0], [4, 16, 0]]);
    }

    #[test]
    fn every_view_has_the_size_whatever_the_video() {
        let transform = EvalTransformConfig { size: 16, short_side: None, crops: Crops::Three }.init().unwrap();
        for (width, height) in [(1, 1), (300, 7), (9, 200), (16, 16), (1, 20_000), (20_000, 1)] {
            let views = transform.views(coordinates(width, height));
            assert_eq!(views.len(), transform.num_views());
            assert!(views.iter().all(|view| (view.width(), view.height()) == (16, 16)));
        }
    }

    #[test]
    fn a_short_side_below_the_size_is_refused() {
        let config = EvalTransformConfig { size: 224, short_side: Some(200), crops: Crops::Centre };
        assert_eq!(config.init().unwrap_err().to_string(), "short_side must be at least the size, 224, got 200");
        assert!(EvalTransformConfig { size: 0, ..Default::default() }.init().is_err());
    }

    #[test]
    fn a_side_that_no_memory_holds_is_refused() {
        let config = EvalTransformConfig { size: 224, short_side: Some(40_000), crops: Crops::Centre };
        assert_eq!(config.init().unwrap_err().to_string(), "short_side must be 1 to 4096 pixels, got 40000");
        assert!(EvalTransformConfig { size: usize::MAX, ..Default::default() }.init().is_err());
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(serde_json::from_str::<EvalTransformConfig>(r#"{"size": 112, "crop": "three"}"#).is_err());
        let read: EvalTransformConfig = serde_json::from_str(r#"{"crops": "three"}"#).unwrap();
        assert_eq!(read, EvalTransformConfig { crops: Crops::Three, ..Default::default() });
    }
}
