use burn::tensor::Device;
use taf_report::metrics::Scores;
use taf_report::page::confusion_matrix;

use super::Course;
use crate::evaluate::{EvaluationError, Explanation};
use crate::model::VideoModel;

/// Videos whose attention is drawn at every evaluation: the same ones, so that it can be seen to move.
const STRIPS: usize = 2;

/// Width of a frame in these, pixels: a quarter of a megabyte for eight frames.
const FRAME_WIDTH: u32 = 64;

/// A picture for the log: the name of its plot, and the bytes of a PNG file.
pub type Picture = (String, Vec<u8>);

/// What the log shows of an evaluation: the confusion matrix, and what the network attends to in a few validation videos, as they
/// are and perturbed by the adversary of the training, or the default one. A picture that cannot be drawn, such as the matrix of ten thousand
/// classes, is left out: training does not depend on it.
pub fn of_evaluation<M: VideoModel>(
    course: &Course,
    model: &M,
    scores: &Scores,
    device: &Device,
) -> Result<Vec<Picture>, EvaluationError> {
    let confusion = confusion_matrix(course.classes, &scores.confusion).map_err(EvaluationError::from);
    let confusion = confusion.map(|png| ("validation/confusion".to_owned(), png));
    let strips = course.evaluation.sample(STRIPS).into_iter().map(|video| strip(course, model, video, device));
    let could_be_drawn = |picture: &Result<Picture, _>| !matches!(picture, Err(EvaluationError::Picture(_)));
    std::iter::once(confusion).chain(strips).filter(could_be_drawn).collect()
}

fn strip<M: VideoModel>(course: &Course, model: &M, video: usize, device: &Device) -> Result<Picture, EvaluationError> {
    let Course { evaluation, taf, classes, .. } = course;
    let record = &evaluation.records()[video];
    let clip = evaluation.first_view(video)?;
    let adversary = taf.map(|taf| taf.adversary.clone()).unwrap_or_default();
    let seen = Explanation::new(model, &clip, record.label, &adversary, device, course.seed.value())?;
    let title = format!("{:?} in {}", classes[seen.class], record.id());
    Ok((format!("validation/attention in {}", record.id()), seen.strip(&title, classes, Some(FRAME_WIDTH))?))
}
