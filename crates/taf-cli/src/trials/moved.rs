use anyhow::Result;
use taf::attention::TemporalAttention;
use taf::evaluate::{AttentionChange, Condition};
use taf_report::metrics::{AttentionMove, ClipAttention, MovedClip};
use taf_report::page::{MovedAttention, Picture, Trials};

use super::group::{Group, Member};
use crate::panel::Panel;
use crate::trained::device;

/// Pictures of clips where attention moved most.
const STRIPS: usize = 3;

/// How far attention moved from the first network of a group to the others; `lists` are the attention of each to every clip.
pub fn moved(
    panel: &Panel,
    group: &Group,
    rule: &TemporalAttention,
    lists: &[Vec<ClipAttention>],
    made: &mut Trials,
) -> Result<()> {
    let (first, others) = group.members.split_first().expect("a group has a network");
    for (second, list) in others.iter().zip(&lists[1..]) {
        let moved = AttentionMove::new(&lists[0], list)?;
        for clip in moved.most_moved.iter().take(STRIPS) {
            made.pictures.push(strip(panel, group, rule, [first, second], clip)?);
        }
        made.moved.push(MovedAttention { first: first.name.to_owned(), second: second.name.to_owned(), moved });
    }
    Ok(())
}

fn strip(
    panel: &Panel,
    group: &Group,
    rule: &TemporalAttention,
    [first, second]: [&Member; 2],
    clip: &MovedClip,
) -> Result<Picture> {
    let place = group.videos[clip.place];
    let record = &group.evaluation.records()[place];
    let class = record.known_label()?;
    let view = group.evaluation.shown(place, Condition::CLEAN)?;
    let models = (&first.trained.model, &second.trained.model);
    let change = AttentionChange::new(models, &view, class, rule, &device())?;
    let classes = &panel.subject().info.classes;
    let title = format!("{:?}: {} and {}", classes[class], first.name, second.name);
    let png = change.strip(&title, [first.name, second.name], classes, None)?;
    let id = group.evaluation.videos.short_id(record);
    let caption = format!("{id}: attention moved by {:.2} of 1.", clip.moved);
    Ok(Picture { title, caption, png })
}
