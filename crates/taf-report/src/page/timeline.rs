use image::RgbImage;

use super::canvas::png;
use super::standalone::standalone;
use super::{Result, raster, svg};

/// A long video as a network sees it: how likely the classes are over time, which it is when, and frames of the video.
#[derive(Clone, Debug)]
pub struct Timeline {
    title: String,
    classes: Vec<String>,
    /// When, and the probability of every class.
    moments: Vec<(f64, Vec<f32>)>,
    bands: Vec<Band>,
    frames: Vec<(f64, RgbImage)>,
}

/// A part of the video of one class, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Where it begins.
    pub start_secs: f64,
    /// Where it ends.
    pub end_secs: f64,
    /// The class.
    pub class: usize,
}

impl Timeline {
    /// A timeline of no time yet.
    pub fn new(title: impl Into<String>, classes: Vec<String>) -> Self {
        Self { title: title.into(), classes, moments: Vec::new(), bands: Vec::new(), frames: Vec::new() }
    }

    /// Adds the probabilities of all classes at a time, later than those before.
    pub fn add_moment(&mut self, secs: f64, probabilities: Vec<f32>) {
        self.moments.push((secs, probabilities));
    }

    /// Adds a part, behind those before.
    pub fn add_band(&mut self, band: Band) {
        self.bands.push(band);
    }

    /// Adds a frame, later than those before and as large. Where there are more than fit, some are shown.
    pub fn add_frame(&mut self, secs: f64, frame: RgbImage) {
        self.frames.push((secs, frame));
    }

    /// A drawing that stands alone: its style is in it, light or dark as the reader's.
    ///
    /// # Errors
    /// If a frame cannot be packed.
    pub fn to_svg(&self) -> Result<String> {
        Ok(standalone(&self.drawing()?))
    }

    /// The same as the bytes of a PNG file.
    ///
    /// # Errors
    /// As [`Self::to_svg`].
    pub fn to_png(&self) -> Result<Vec<u8>> {
        raster::to_png(&self.drawing()?.0, raster::PICTURE_SCALE)
    }

    fn drawing(&self) -> Result<maud::Markup> {
        let end = self.bands.iter().map(|band| band.end_secs).fold(0.0, f64::max);
        let shown = self.shown();
        let series = |&class: &usize| svg::Curve {
            name: self.classes[class].clone(),
            points: self.moments.iter().map(|(secs, of)| (*secs, f64::from(of[class]))).collect(),
        };
        let colour = |class: usize| shown.iter().position(|one| *one == class);
        let bands = self.bands.iter().map(|band| (band.start_secs, band.end_secs, colour(band.class)));
        let frames = svg::chosen_frames(end, &self.frames);
        let frames =
            frames.into_iter().map(|frame| Ok((png(frame)?, frame.dimensions()))).collect::<Result<Vec<_>>>()?;
        let curves: Vec<svg::Curve> = shown.iter().map(series).collect();
        Ok(svg::timeline(&self.title, end, &curves, &bands.collect::<Vec<_>>(), &frames))
    }

    /// The classes that are drawn: those of the most time, as many as there are colours beside the grey of all others.
    fn shown(&self) -> Vec<usize> {
        let mut secs = vec![0.0; self.classes.len()];
        self.bands.iter().for_each(|band| secs[band.class] += band.end_secs - band.start_secs);
        let mut seen: Vec<usize> = (0..secs.len()).filter(|class| secs[*class] > 0.0).collect();
        seen.sort_by(|a, b| secs[*b].total_cmp(&secs[*a]));
        seen.truncate(svg::MOST_CURVES);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(windows: usize, classes: usize) -> Timeline {
        let names = (0..classes).map(|class| format!("class <{class}>")).collect();
        let mut timeline = Timeline::new("a & b", names);
        for window in 0..windows {
            let class = window / 3 % classes;
            let probabilities = (0..classes).map(|other| if other == class { 0.5 } else { 0.1 }).collect();
            timeline.add_moment(window as f64 + 0.5, probabilities);
            let (start_secs, end_secs) = (window as f64, window as f64 + 1.0);
            timeline.add_band(Band { start_secs, end_secs, class });
            timeline.add_frame(window as f64 + 0.5, RgbImage::from_pixel(96, 72, image::Rgb([200, 10, 10])));
        }
        timeline
    }

    #[test]
    fn a_drawing_is_sound_however_long_and_varied_the_video_is() {
        for (windows, classes) in [(0, 2), (1, 2), (40, 3), (5000, 12)] {
            let timeline = timeline(windows, classes);
            let svg = timeline.to_svg().unwrap();
            let tree = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"));
            let count = |tag: &str| tree.descendants().filter(|node| node.has_tag_name(tag)).count();
            assert!(count("image") <= 16 && (windows == 0) == (count("image") == 0), "{}", count("image"));
            let png = image::load_from_memory(&timeline.to_png().unwrap()).unwrap().to_rgb8();
            let red = png.pixels().any(|pixel| pixel.0 == [200, 10, 10]);
            assert_eq!(red, windows > 0, "frames are in the picture");
        }
    }

    #[test]
    fn classes_of_the_most_time_have_colours_and_the_others_are_grey() {
        let mut timeline = timeline(0, 9);
        for class in 0..9 {
            let start_secs = class as f64 * 10.0;
            timeline.add_band(Band { start_secs, end_secs: start_secs + 1.0 + class as f64, class });
        }
        assert_eq!(timeline.shown(), [8, 7, 6, 5, 4]);
    }
}
