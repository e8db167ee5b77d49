use std::fmt;
use std::str::FromStr;

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// A folder of class folders of videos.
    ClassFolders,
    /// A table whose first line names its columns.
    Csv,
    /// Something-Something V1: folders of pictures, CSV files with `;`.
    SomethingV1,
    /// Something-Something V2: WebM files, JSON files.
    SomethingV2,
    /// Diving48, with the labels of V1 or of V2.
    Diving48,
    /// Jester V1: folders of pictures, CSV files with `;`.
    Jester,
    /// `folder frames label`, as TSM, TRN, TAM and TPN have it.
    Tsm,
    /// `folder frames label` with tabs, as GST has it.
    Gst,
    /// `folder frames label` of mmaction2's raw frames.
    Mmaction2Frames,
    /// `folder offset frames label` of mmaction2's raw frames: a part of a folder.
    Mmaction2Offset,
    /// `file label` of mmaction2's videos.
    Mmaction2Videos,
    /// SlowFast's `path label`, or its list of frames.
    SlowFast,
    /// `path,label` or `path label`, as UniFormer and VideoMAE have it.
    UniFormer,
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a format must be one of {known}, got {0:?}", known = Format::ALL.map(Format::name).join(", "))]
pub struct UnknownFormat(String);

impl Format {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::ClassFolders,
        Self::Csv,
        Self::SomethingV1,
        Self::SomethingV2,
        Self::Diving48,
        Self::Jester,
        Self::Tsm,
        Self::Gst,
        Self::Mmaction2Frames,
        Self::Mmaction2Offset,
        Self::Mmaction2Videos,
        Self::SlowFast,
        Self::UniFormer,
    ];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClassFolders => "folders",
            Self::Csv => "csv",
            Self::SomethingV1 => "something-v1",
            Self::SomethingV2 => "something-v2",
            Self::Diving48 => "diving48",
            Self::Jester => "jester",
            Self::Tsm => "tsm",
            Self::Gst => "gst",
            Self::Mmaction2Frames => "mmaction2-frames",
            Self::Mmaction2Offset => "mmaction2-offset",
            Self::Mmaction2Videos => "mmaction2-videos",
            Self::SlowFast => "slowfast",
            Self::UniFormer => "uniformer",
        }
    }

    /// Other names that people know it by.
    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Tsm => &["trn", "tam", "tpn"],
            Self::UniFormer => &["videomae"],
            _ => &[],
        }
    }

    /// What it is, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::ClassFolders => "a folder of class folders",
            Self::Csv => "a table whose first line names the columns path and label",
            Self::SomethingV1 => "Something-Something V1",
            Self::SomethingV2 => "Something-Something V2",
            Self::Diving48 => "Diving48",
            Self::Jester => "Jester",
            Self::Tsm => "lists of rows `folder frames label`, as TSM, TRN, TAM and TPN have them",
            Self::Gst => "lists of rows `folder frames label` with tabs, as GST has them",
            Self::Mmaction2Frames => "mmaction2's lists of raw frames, `folder frames label`",
            Self::Mmaction2Offset => "mmaction2's lists of raw frames with offset, `folder offset frames label`",
            Self::Mmaction2Videos => "mmaction2's lists of videos, `file label`",
            Self::SlowFast => "SlowFast's lists, `path label` or one row for each frame",
            Self::UniFormer => "lists of rows `path,label` or `path label`, as UniFormer and VideoMAE have them",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let has_name = |format: &Self| format.name() == name || format.aliases().contains(&name);
        Self::ALL.into_iter().find(has_name).ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}
