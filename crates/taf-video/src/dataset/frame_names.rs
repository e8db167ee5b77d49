/// How the pictures of a video are named, where each video is a folder of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameNames {
    /// The name with a place for the index, as [`FrameFolder::open`](crate::FrameFolder::open) takes it.
    pub template: String,
    /// The index of the first picture.
    pub first_index: usize,
}
