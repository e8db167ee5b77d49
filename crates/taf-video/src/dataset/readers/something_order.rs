use crate::{Error, Result};

/// In which order the 174 classes of Something-Something are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SomethingOrder {
    /// The alphabet's: all of V2, and V1 as TSM, TRN and GST have it.
    Sorted,
    /// That of something-something-v1-labels.csv: V1 as mmaction2 has it.
    File,
}

/// Place in the alphabet of each class of something-something-v1-labels.csv (from mmaction2's label map).
#[rustfmt::skip]
const FILE: [u8; 174] = [
    16, 164, 166, 144, 167, 46, 0, 47, 98, 14, 41, 5, 32, 165, 100, 168, 68, 128, 45, 49, 172, 112, 129, 74, 147, 107, 44,
    124, 101, 151, 93, 134, 154, 152, 29, 146, 125, 106, 150, 40, 149, 94, 19, 120, 81, 42, 73, 171, 135, 103, 59, 43, 87,
    153, 157, 105, 84, 109, 83, 127, 6, 143, 114, 31, 148, 33, 86, 27, 1, 104, 37, 18, 99, 20, 67, 121, 15, 36, 160, 72,
    130, 28, 82, 17, 21, 55, 66, 119, 9, 8, 30, 122, 155, 126, 12, 145, 10, 48, 22, 170, 140, 102, 118, 35, 50, 11, 57,
    139, 56, 173, 34, 69, 117, 89, 123, 65, 4, 158, 156, 75, 3, 23, 162, 2, 7, 76, 108, 110, 141, 71, 142, 133, 95, 116,
    26, 63, 161, 85, 97, 61, 90, 39, 79, 115, 132, 80, 88, 113, 25, 62, 38, 159, 24, 77, 70, 91, 13, 64, 163, 131, 53,
    138, 92, 60, 78, 169, 52, 137, 54, 111, 96, 58, 136, 51,
];

/// Places in the alphabet of the classes that a left-right mirror exchanges (the data set's flip mapping): pulling, pushing
/// and turning the camera to either side.
const MIRROR_PAIRS: [[usize; 2]; 3] = [[86, 87], [93, 94], [166, 167]];

impl SomethingOrder {
    /// How many classes there are.
    pub const CLASSES: usize = FILE.len();

    /// The order that these classes are in, where there are as many and they are in one.
    pub fn of(classes: &[String]) -> Option<Self> {
        if classes.len() != Self::CLASSES {
            return None;
        }
        let is_in = |order: Self| order.arrange(classes).is_ok_and(|arranged| arranged == classes);
        [Self::Sorted, Self::File].into_iter().find(|order| is_in(*order))
    }

    /// The classes in this order.
    ///
    /// # Errors
    /// If there are more or fewer than 174.
    pub fn arrange(self, classes: &[String]) -> Result<Vec<String>> {
        if classes.len() != Self::CLASSES {
            let expected = format!("an order of {} classes, those of Something-Something", Self::CLASSES);
            return Err(Error::setting("label order", expected, format!("{} classes", classes.len())));
        }
        let mut sorted = classes.to_vec();
        sorted.sort();
        Ok(match self {
            Self::Sorted => sorted,
            Self::File => FILE.iter().map(|&place| sorted[usize::from(place)].clone()).collect(),
        })
    }

    /// Which labels the bare numbers of this order are: the same number is another class in the other order.
    pub fn label_set_of_numbers(self) -> &'static str {
        match self {
            Self::Sorted => "something-something-sorted-numbers",
            Self::File => "something-something-file-numbers",
        }
    }

    /// The label ids that a left-right mirror exchanges.
    pub fn mirror_pairs(self) -> [[usize; 2]; 3] {
        let id = |place: usize| match self {
            Self::Sorted => place,
            Self::File => FILE.iter().position(|&of_file| usize::from(of_file) == place).unwrap_or(place),
        };
        MIRROR_PAIRS.map(|pair| pair.map(id))
    }

    /// Where the order comes from, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Sorted => "that of the alphabet, as V2 has it, and TSM and GST in V1",
            Self::File => "that of something-something-v1-labels.csv, as mmaction2 has it in V1",
        }
    }
}
