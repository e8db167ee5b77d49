//! What FFmpeg's errors mean.

use std::io::ErrorKind;
use std::sync::Once;

use ffmpeg_the_third as ffmpeg;

/// Keeps FFmpeg from writing its own words about errors to standard error, where they stand beside ours. That holds for the whole
/// process, and is done once: a program that wants FFmpeg's words asks for them after the first video.
pub(crate) fn quieten() {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| ffmpeg::log::set_level(ffmpeg::log::Level::Quiet));
}

/// FFmpeg's "not now": the codec wants input before there is output.
pub(crate) fn is_again(error: ffmpeg::Error) -> bool {
    os_error(error).is_some_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// The operating system's error behind FFmpeg's, where there is one.
pub(crate) fn os_error(error: ffmpeg::Error) -> Option<std::io::Error> {
    match error {
        ffmpeg::Error::Other { errno } => Some(std::io::Error::from_raw_os_error(errno)),
        _ => None,
    }
}

/// FFmpeg's own words for an error, made to fit into a sentence.
pub(crate) fn lower_case(error: ffmpeg::Error) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
