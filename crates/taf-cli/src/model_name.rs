//! Networks by the names that `--model` takes.

use std::path::Path;

use anyhow::Result;
use taf::model::ModelKind;
use taf::recipe::Recipe;

/// The recipe of a training of this network on clips of `frames` pictures of `size` by `size` pixels. Its manifest is
/// for `overrides` to name.
pub fn recipe(model: &str, frames: usize, size: usize, overrides: &[String]) -> Result<Recipe> {
    let (kind, trunk) = kind_and_trunk(model);
    let text = format!(
        "[data]\nmanifest = \"\"\nsampling = {{ kind = \"segments\", frames = {frames} }}\n\
         transform = {{ size = {size} }}\neval = {{ size = {size} }}\n[model]\nkind = {kind:?}\ntrunk = {trunk:?}\n"
    );
    let recipe = Recipe::parse(&text, Path::new("--model and --set"), overrides)?;
    recipe.check()?;
    Ok(recipe)
}

/// The halves of a name such as `tsm-resnet18`; ResNet-50 where no trunk is named.
fn kind_and_trunk(model: &str) -> (&str, &str) {
    // A kind may have a hyphen of its own: gst-large.
    let whole = || (model, "resnet50");
    if ModelKind::named(model).is_some() { whole() } else { model.rsplit_once('-').unwrap_or_else(whole) }
}

#[cfg(test)]
mod tests {
    use super::kind_and_trunk;

    #[test]
    fn the_trunk_follows_the_last_hyphen_that_is_not_the_kinds_own() {
        for (model, expected) in [
            ("gst-large", ("gst-large", "resnet50")),
            ("gst-large-resnet101", ("gst-large", "resnet101")),
            ("tsm", ("tsm", "resnet50")),
            ("tsm-tiny", ("tsm", "tiny")),
        ] {
            assert_eq!(kind_and_trunk(model), expected, "{model}");
        }
    }
}
