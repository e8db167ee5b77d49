use super::traits::Traits;
use super::{diving48, jester, something_v1, something_v2};

/// The data set whose form a miniature has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Something-Something V1: folders of JPEG pictures, 100 pixels high, and CSV lists.
    SomethingV1,
    /// Something-Something V2: VP9 files, 240 pixels high, and JSON lists under the names of the download of today.
    SomethingV2,
    /// The same under the names of its first publisher, TwentyBN.
    SomethingV2By20bn,
    /// Diving48: H.264 files, a vocabulary, and the second version of the JSON lists.
    Diving48,
    /// Jester: folders of JPEG pictures, 100 pixels high, and CSV lists.
    Jester,
}

impl Form {
    pub(super) fn traits(self) -> Traits {
        match self {
            Self::SomethingV1 => something_v1::traits(),
            Self::SomethingV2 => something_v2::traits(),
            Self::SomethingV2By20bn => something_v2::traits_by_20bn(),
            Self::Diving48 => diving48::traits(),
            Self::Jester => jester::traits(),
        }
    }
}
