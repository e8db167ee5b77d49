//! The way from pixels to images against its definition.

mod naive;

use naive::{random, spoiled, with_threads};
use taf_kernels::{ClipPixels, Colors, pixels_to_images, pixels_to_images_gradient};

const COLORS: Colors = Colors { mean: [0.5, 0.25, 0.0], std: [0.2, 0.3, 0.7] };

fn shapes() -> [ClipPixels; 3] {
    [[1, 1], [3, 35], [2, 20_000]].map(|[images, pixels]| ClipPixels { images, pixels })
}

/// Where channel `c` of pixel `p` of image `n` lies in the clips and in the images.
fn places(shape: &ClipPixels) -> impl Iterator<Item = (usize, usize, usize)> {
    let pixels = shape.pixels;
    let all = (0..shape.images * 3).flat_map(move |plane| (0..pixels).map(move |p| (plane / 3, plane % 3, p)));
    all.map(move |(n, c, p)| (c, (n * 3 + c) * pixels + p, (n * pixels + p) * 3 + c))
}

#[test]
fn images_are_the_normalised_pixels_channels_last() {
    for shape in shapes() {
        let (clips, mut images) = (random(shape.len(), 1), spoiled(shape.len()));
        pixels_to_images(&shape, &COLORS, &clips, &mut images);
        for (c, from, to) in places(&shape) {
            assert_eq!(images[to], (clips[from] - COLORS.mean[c]) / COLORS.std[c], "{shape:?} [{to}]");
        }
    }
}

#[test]
fn the_gradient_goes_back_to_the_pixels() {
    for shape in shapes() {
        let (dimages, mut dclips) = (random(shape.len(), 1), spoiled(shape.len()));
        pixels_to_images_gradient(&shape, &COLORS, &dimages, &mut dclips);
        for (c, to, from) in places(&shape) {
            assert_eq!(dclips[to], dimages[from] / COLORS.std[c], "{shape:?} [{to}]");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_images() {
    let shape = shapes()[2];
    let clips = random(shape.len(), 1);
    let run = || {
        let mut images = spoiled(shape.len());
        pixels_to_images(&shape, &COLORS, &clips, &mut images);
        images
    };
    assert!(with_threads(1, run) == with_threads(3, run));
}

#[test]
#[should_panic(expected = "input and output floats")]
fn clips_of_another_size_are_refused() {
    pixels_to_images(&shapes()[1], &COLORS, &[0.0; 3], &mut [0.0; 315]);
}
