use std::path::{Path, PathBuf};

use super::{VideoInfo, VideoSource, jpeg, read_singly};
use crate::{Clip, Error, Frame, Result};

/// A folder with one JPEG or PNG picture per frame, named by a template.
///
/// Frame 0 of the source is the file with number `first_index`. Every file that fits the template must belong to one
/// run without gaps that starts there. Other files are ignored, but for a picture that would go on with the run if only
/// it were called like the others (`00003.JPG` after `00002.jpg`).
#[derive(Clone, Debug)]
pub struct FrameFolder {
    path: PathBuf,
    template: Template,
    first_index: usize,
    frames: usize,
    info: VideoInfo,
}

impl FrameFolder {
    /// Opens a folder; `template` holds one number, as in `{:05}.jpg` or `img_{:05d}.jpg` (both spellings mean five
    /// digits with leading zeros; `{}` means no leading zeros).
    ///
    /// # Errors
    /// [`Error::Setting`] for a template that cannot be read. [`Error::Content`] names the file where the first frame
    /// or one in the middle is missing, where a frame comes before the first index, where one after the last is called
    /// otherwise, and where the first frame is no picture.
    pub fn open(path: impl AsRef<Path>, template: &str, first_index: usize) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let template = Template::parse(template)?;
        let frames = run_in(&path, &template, first_index)?;
        let first = path.join(template.name(first_index));
        let (frame, codec) = read_picture(&first)?;
        let info = VideoInfo {
            width: frame.width(),
            height: frame.height(),
            fps: None,
            codec,
            pixel_format: "rgb24".to_owned(),
        };
        Ok(Self { path, template, first_index, frames, info })
    }

    /// Fails as [`open`](Self::open) does of a template that cannot be read.
    pub(crate) fn check_template(template: &str) -> Result<()> {
        Template::parse(template).map(drop)
    }

    /// Fails as [`open`](Self::open) does, but whatever the pictures hold.
    pub(crate) fn check_numbers(path: &Path, template: &str, first_index: usize) -> Result<()> {
        run_in(path, &Template::parse(template)?, first_index).map(drop)
    }

    fn frame(&self, index: usize) -> Result<Frame> {
        let file = self.path.join(self.template.name(self.first_index + index));
        let (frame, _) = read_picture(&file)?;
        let (width, height) = (self.info.width, self.info.height);
        if (frame.width(), frame.height()) != (width, height) {
            let expected = format!("a frame of {width}x{height} like the first");
            return Err(Error::content(&file, expected, format!("{}x{}", frame.width(), frame.height())));
        }
        Ok(frame)
    }
}

impl VideoSource for FrameFolder {
    fn num_frames(&mut self) -> Result<usize> {
        Ok(self.frames)
    }

    fn read(&mut self, indices: &[usize]) -> Result<Clip> {
        read_singly(&self.path, indices, self.frames, |index| self.frame(index))
    }

    fn info(&self) -> &VideoInfo {
        &self.info
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

/// A file name with a hole for a number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template {
    before: String,
    digits: usize,
    after: String,
}

impl Template {
    fn parse(text: &str) -> Result<Self> {
        let unreadable =
            || Error::setting("template", "a file name with one number such as {:05}.jpg or img_{:05d}.jpg", text);
        let (before, rest) = text.split_once('{').ok_or_else(unreadable)?;
        let (hole, after) = rest.split_once('}').ok_or_else(unreadable)?;
        let stray = |part: &str| part.contains(['{', '}', '/', '\\']);
        let digits = digits_of(hole).filter(|_| !stray(before) && !stray(after)).ok_or_else(unreadable)?;
        Ok(Self { before: before.to_owned(), digits, after: after.to_owned() })
    }

    fn name(&self, number: usize) -> String {
        format!("{}{number:0digits$}{}", self.before, self.after, digits = self.digits)
    }

    /// The numbers of the names that fit, ascending.
    fn numbers(&self, names: &[String]) -> Vec<usize> {
        let mut numbers: Vec<_> = names.iter().filter_map(|name| self.number(name)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The number in the name of a picture that differs from one of this template by upper and lower case, the count of
    /// its digits or its ending.
    fn misspelled_number(&self, name: &str) -> Option<usize> {
        let (stem, ending) = name.rsplit_once('.')?;
        let digits = stem.get(self.before.len()..)?;
        let alike = stem.get(..self.before.len())?.eq_ignore_ascii_case(&self.before)
            && ["jpg", "jpeg", "png"].iter().any(|known| known.eq_ignore_ascii_case(ending))
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| alike)
    }

    /// The number in a file name made by this template.
    fn number(&self, name: &str) -> Option<usize> {
        let digits = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        digits.parse().ok().filter(|&number| self.name(number) == name)
    }
}

/// `""`, `":05"`, `":05d"`, `":d"`: how many digits at least.
fn digits_of(hole: &str) -> Option<usize> {
    const LONGEST: usize = 18;
    let Some(format) = hole.strip_prefix(':') else { return hole.is_empty().then_some(0) };
    let width = format.strip_suffix('d').unwrap_or(format);
    match width {
        "" => Some(0),
        // "{:5}" would pad with spaces: surely not what a file is called.
        _ => width.strip_prefix('0')?.parse().ok().filter(|&digits| digits <= LONGEST),
    }
}

/// The files of a folder that fit a template, in the order of their numbers.
///
/// # Errors
/// As [`FrameFolder::open`], but for what the files hold and whether they form one run.
pub(crate) fn frame_files(path: &Path, template: &str) -> Result<Vec<PathBuf>> {
    let template = Template::parse(template)?;
    let numbers = template.numbers(&names_in(path)?);
    Ok(numbers.into_iter().map(|number| path.join(template.name(number))).collect())
}

/// The names of what lies in a folder; those that are not UTF-8 fit no template.
fn names_in(path: &Path) -> Result<Vec<String>> {
    let listing = |source| Error::io("read", path, source);
    if path.is_file() {
        return Err(Error::content(path, "a folder of frames", "a file"));
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(listing)? {
        names.extend(entry.map_err(listing)?.file_name().into_string());
    }
    Ok(names)
}

/// How many pictures there are from the first index on, which must be all.
fn run_in(path: &Path, template: &Template, first_index: usize) -> Result<usize> {
    let names = names_in(path)?;
    let numbers = template.numbers(&names);
    check_run(path, template, first_index, &numbers)?;
    check_end(path, template, first_index + numbers.len(), &names)?;
    Ok(numbers.len())
}

/// No picture may go on with the run under another name: its frames would be lost without a word.
fn check_end(path: &Path, template: &Template, next: usize, names: &[String]) -> Result<()> {
    let goes_on = |name: &&String| template.misspelled_number(name) == Some(next);
    names.iter().filter(goes_on).min().map_or(Ok(()), |name| {
        let expected = format!("{} as the frame after the last, or none", template.name(next));
        Err(Error::content(&path.join(name), expected, format!("a picture called {name}")))
    })
}

/// The numbers must be `first`, `first + 1`, ... to the last.
fn check_run(path: &Path, template: &Template, first: usize, numbers: &[usize]) -> Result<()> {
    let Some(&lowest) = numbers.first() else {
        let found = format!("no file of the form {}", template.name(first));
        return Err(Error::content(&path.join(template.name(first)), "the first frame", found));
    };
    if lowest < first {
        let expected = format!("{} as the first frame (first index {first})", template.name(first));
        return Err(Error::content(&path.join(template.name(lowest)), expected, "a frame before it"));
    }
    let gap = numbers.iter().zip(first..).find(|&(&number, expected)| number != expected);
    gap.map_or(Ok(()), |(&number, missing)| {
        let found = format!("none; the next is {}", template.name(number));
        Err(Error::content(&path.join(template.name(missing)), format!("frame number {missing}"), found))
    })
}

fn read_picture(file: &Path) -> Result<(Frame, String)> {
    picture_of(file, &std::fs::read(file).map_err(|source| Error::io("read", file, source))?)
}

/// Decodes a JPEG or PNG picture by what it holds, and names the codec. `file` is where the bytes are from, for messages.
pub(crate) fn picture_of(file: &Path, bytes: &[u8]) -> Result<(Frame, String)> {
    let format = image::guess_format(bytes).ok();
    let codec = match format {
        Some(image::ImageFormat::Png) => "png",
        Some(image::ImageFormat::Jpeg) if jpeg::is_whole(bytes) => "jpeg",
        Some(image::ImageFormat::Jpeg) => return Err(Error::content(file, "a whole JPEG picture", "one cut short")),
        _ if bytes.is_empty() => return Err(Error::content(file, "a JPEG or PNG picture", "an empty file")),
        _ => return Err(Error::content(file, "a JPEG or PNG picture", "neither")),
    };
    let picture = image::load_from_memory(bytes).map_err(|error| {
        // On one line, as every message.
        let found = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        Error::content(file, "a picture that can be decoded", found)
    })?;
    let picture = picture.into_rgb8();
    if picture.width() == 0 || picture.height() == 0 {
        return Err(Error::content(file, "a picture", "no pixel"));
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Ok((Frame::new(width, height, picture.into_raw()), codec.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_and_recognises_its_files() {
        for (text, number, name) in
            [("{:05}.jpg", 7, "00007.jpg"), ("img_{:05d}.png", 123456, "img_123456.png"), ("f{}.jpg", 12, "f12.jpg")]
        {
            let template = Template::parse(text).unwrap();
            assert_eq!(template.name(number), name);
            assert_eq!(template.number(name), Some(number));
        }
    }

    #[test]
    fn names_with_other_padding_are_not_recognised() {
        let template = Template::parse("{:05}.jpg").unwrap();
        for name in ["7.jpg", "000007.jpg", "00007.png", "+0007.jpg", "x00007.jpg"] {
            assert_eq!(template.number(name), None, "{name}");
        }
    }

    #[test]
    fn templates_without_exactly_one_number_are_refused() {
        for text in
            ["", "a.jpg", "{:05", "{:05}{:05}.jpg", "{:5}.jpg", "{:05x}.jpg", "a/{:05}.jpg", "{:099}.jpg", "}{:05}"]
        {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.starts_with("template must be"), "{text}: {error}");
        }
    }
}
