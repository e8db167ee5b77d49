use std::fs;
use std::path::Path;

use taf_files::{create_folder, write_atomic};

use crate::encode::jpeg;
use crate::synthetic::render;
use crate::synthetic::scene::Scene;
use crate::{EncodeOptions, Error, Result, VideoCodec, VideoWriter};

const JPEG_QUALITY: u8 = 90;

/// How the clips of a data set lie on disk.
#[derive(Clone, Copy)]
pub(super) enum Store {
    /// A folder for each clip, pictures 00001.jpg and so on.
    Pictures,
    /// A file for each clip.
    File(FileKind),
}

/// What kind of file.
#[derive(Clone, Copy)]
pub(super) struct FileKind {
    pub codec: VideoCodec,
    /// As in [`EncodeOptions::quality`]; published files are compressed harder than the eye would like.
    pub quality: u8,
    pub ending: &'static str,
    pub frames_per_second: f64,
}

impl Store {
    /// Writes a clip of some width and height at a path without ending, unless it is there already.
    pub(super) fn write(self, path: &Path, scene: &Scene, picture: [usize; 2]) -> Result<()> {
        match self {
            Self::Pictures => write_pictures(path, scene, picture),
            Self::File(kind) => {
                // Not `set_extension`: an id may hold a dot.
                let mut file = path.as_os_str().to_owned();
                file.push(format!(".{}", kind.ending));
                write_file(Path::new(&file), scene, picture, kind)
            }
        }
    }
}

fn write_file(path: &Path, scene: &Scene, picture: [usize; 2], kind: FileKind) -> Result<()> {
    // The writer renames when all is written, so a file of this name is a whole one.
    if path.exists() {
        return Ok(());
    }
    let FileKind { codec, quality, frames_per_second, .. } = kind;
    let options = EncodeOptions { quality: Some(quality), ..EncodeOptions::of(codec) };
    let [width, height] = picture;
    let mut writer = VideoWriter::create(path, width, height, frames_per_second, &options)?;
    for place in 0..scene.frames {
        writer.push(&render::frame(scene, place, picture))?;
    }
    writer.finish()
}

/// The last picture comes last and whole, so a folder that has it has them all.
fn write_pictures(folder: &Path, scene: &Scene, picture: [usize; 2]) -> Result<()> {
    let file = |place: usize| folder.join(format!("{:05}.jpg", place + 1));
    let last = scene.frames - 1;
    if file(last).exists() {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|source| Error::io("remove", folder, source))?;
    }
    create_folder(folder)?;
    let drawn = |place| {
        let frame = render::frame(scene, place, picture);
        jpeg(&frame, JPEG_QUALITY).expect("sides are below 2000")
    };
    for place in 0..last {
        let path = file(place);
        fs::write(&path, drawn(place)).map_err(|source| Error::io("write", &path, source))?;
    }
    Ok(write_atomic(&file(last), &drawn(last))?)
}
