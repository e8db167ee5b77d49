use super::CacheOrigin;
use super::contents::{Contents, Picture};
use super::member::{self, HEADER};
use crate::dataset::{Manifest, Record};
use crate::encode::jpeg;
use crate::hash::sha256_of;
use crate::transform::resize_short_side;
use crate::{Clip, Error, Result, VideoSource};

/// A video as members of a tar file that share a key: what it is made of, its pictures, and its class.
pub(super) struct Sample {
    /// The members, one after the other.
    pub bytes: Vec<u8>,
    pub members: Vec<Member>,
    /// Of the contents of the first member, in hexadecimal.
    pub sha256: String,
}

/// A file inside a tar file.
pub(super) struct Member {
    pub name: String,
    /// Where its contents begin, from the first byte of the sample.
    pub offset: u64,
    pub bytes: u64,
}

/// Frames that are decoded at a time.
const PIECE: usize = 16;

impl Sample {
    /// Decodes a video and stores its pictures.
    pub(super) fn of(key: &str, manifest: &Manifest, record: &Record, origin: &CacheOrigin) -> Result<Self> {
        let mut source = manifest.open(record)?;
        let (size, pictures) = pictures(source.as_mut(), record.frames, origin)?;
        let contents = Contents {
            video: record.id().into_owned(),
            label: record.label.map(|label| manifest.classes()[label].clone()),
            split: record.split.clone(),
            width: size.0,
            height: size.1,
            fps: source.info().fps,
            frames: pictures.iter().map(|jpeg| Picture { bytes: jpeg.len() as u64, sha256: sha256_of(jpeg) }).collect(),
        };
        let contents = serde_json::to_vec(&contents).expect("strings and numbers are always JSON");
        let mut sample = Self { bytes: Vec::new(), members: Vec::new(), sha256: sha256_of(&contents) };
        sample.push(format!("{key}.json"), &contents);
        for (number, jpeg) in pictures.iter().enumerate() {
            sample.push(format!("{key}.{number:04}.jpg"), jpeg);
        }
        if let Some(label) = record.label {
            sample.push(format!("{key}.cls"), label.to_string().as_bytes());
        }
        Ok(sample)
    }

    fn push(&mut self, name: String, contents: &[u8]) {
        let offset = self.bytes.len() as u64 + HEADER;
        member::append(&mut self.bytes, &name, contents);
        self.members.push(Member { name, offset, bytes: contents.len() as u64 });
    }
}

/// Width and height of what is stored, and one JPEG file a frame.
type Pictures = ((usize, usize), Vec<Vec<u8>>);

fn pictures(source: &mut dyn VideoSource, recorded: usize, origin: &CacheOrigin) -> Result<Pictures> {
    let frames = source.num_frames()?;
    if frames != recorded {
        let expected = format!("{recorded} frames as the manifest says");
        return Err(Error::content(source.path(), expected, frames.to_string()));
    }
    let (mut size, mut pictures) = ((0, 0), Vec::with_capacity(frames));
    for start in (0..frames).step_by(PIECE) {
        let piece: Vec<usize> = (start..frames.min(start + PIECE)).collect();
        let clip = not_larger(source.read(&piece)?, origin.short_side);
        size = (clip.width(), clip.height());
        for frame in clip.frames() {
            let refused = |found| Error::content(source.path(), "pictures that JPEG can hold", found);
            pictures.push(jpeg(frame, origin.quality).map_err(refused)?);
        }
    }
    Ok((size, pictures))
}

/// Pictures are made smaller, never larger.
fn not_larger(clip: Clip, short_side: Option<usize>) -> Clip {
    match short_side {
        Some(side) if side < clip.width().min(clip.height()) => resize_short_side(clip, side),
        _ => clip,
    }
}
