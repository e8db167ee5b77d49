use serde::{Deserialize, Serialize};

use crate::run::Provenance;

/// What a reader needs to know of a report to judge the rest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// Which weights of the models were evaluated, where that was told.
    pub weights: Vec<ModelWeights>,
    /// Short facts: clips, views, parameters, seconds.
    pub facts: Vec<Fact>,
    /// Recipes and other texts shown as they are.
    pub listings: Vec<Listing>,
    /// Where the numbers came from.
    pub provenance: Option<Provenance>,
}

/// Which of the weights of one model were evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelWeights {
    /// Name of the model.
    pub model: String,
    /// The weights.
    pub weights: Weights,
}

/// Weights that a training leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "choice")]
pub enum Weights {
    /// Those of the last step.
    Last,
    /// Those that were best on some videos; results on the same videos are too good.
    Best {
        /// The split they were chosen on.
        chosen_on: String,
    },
}

/// One line of the details.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value, with unit.
    pub value: String,
}

/// A text shown as it is, such as a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Its heading.
    pub title: String,
    /// The text.
    pub text: String,
}

/// A report that is being put together and has details.
pub trait Detailed: Sized {
    /// The details by now.
    fn details(&mut self) -> &mut Details;

    /// Says which of a model's weights were evaluated.
    fn weights(mut self, model: impl Into<String>, weights: Weights) -> Self {
        self.details().weights.push(ModelWeights { model: model.into(), weights });
        self
    }

    /// Adds a fact.
    fn fact(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.details().facts.push(Fact { name: name.into(), value: value.to_string() });
        self
    }

    /// Adds a text shown as it is, such as a recipe.
    fn listing(mut self, title: impl Into<String>, text: impl Into<String>) -> Self {
        self.details().listings.push(Listing { title: title.into(), text: text.into() });
        self
    }

    /// Says where the numbers came from.
    fn provenance(mut self, provenance: Provenance) -> Self {
        self.details().provenance = Some(provenance);
        self
    }
}
