//! Trials as they are laid out: sentences, tables and charts.

use super::tables::accuracy;
use super::trials::{AttackedModel, MovedAttention, Trials, TrustedAttention};
use crate::metrics::{
    Area, AttackOutcome, FEW_GROUPS, Faithfulness, FrameCurve, MaskingCheck, MaskingTest, Share, Summary,
    TransferMatrix,
};
use crate::page::words::{count, percent};
use crate::page::{Axis, Cell, Chart, Picture, Series, Table};

/// What is told together: laid out by every renderer.
pub(super) struct Section {
    pub title: String,
    pub captions: Vec<String>,
    pub tables: Vec<(String, Table)>,
    pub charts: Vec<Chart>,
    pub pictures: Vec<Picture>,
}

impl Trials {
    /// What came out, a sentence each.
    pub(super) fn said(&self) -> Vec<String> {
        self.adversarial.iter().map(attacked).chain(self.attention.iter().map(trusted)).collect()
    }

    pub(super) fn sections(&self) -> Vec<Section> {
        let adversarial = (!self.adversarial.is_empty()).then(|| self.adversarial_section());
        let attention = (!self.attention.is_empty()).then(|| self.attention_section());
        adversarial.into_iter().chain(attention).collect()
    }

    fn adversarial_section(&self) -> Section {
        let first = &self.adversarial[0].robust;
        let mut tables = vec![("Top-1 over the size of the attack".to_owned(), self.robust_table())];
        tables.push(("Can the attacks be believed?".to_owned(), self.masking_table()));
        tables.extend(self.transfer.iter().map(transfer_table));
        let effort = format!(
            "PGD in {}: {}, {}, on the middle clips of {} of {} videos, cross-entropy at the label, sizes in pixel units of \
             [0, 1]. An upper bound: a stronger attack may leave less. A clip that is fooled counts as fooled at every larger size.",
            norm(&first.norm),
            count(first.steps, "step"),
            count(first.restarts, "random start"),
            first.clips,
            first.available
        );
        let checks = "The checks are those of Carlini et al. (arXiv 1902.06705); where one fails, the accuracy under attack says \
                      little. Behind each: the top-1 that its attacks leave.";
        let captions = vec![effort, checks.to_owned()];
        Section { title: "adversarial".into(), captions, tables, charts: vec![self.robust_chart()], pictures: vec![] }
    }

    fn robust_table(&self) -> Table {
        let points = &self.adversarial[0].robust.points;
        let sizes = points.iter().map(|point| size(point.epsilon, &self.adversarial[0].robust.norm));
        let header = ["model".to_owned()].into_iter().chain(sizes).collect();
        let row = |of: &AttackedModel| {
            let cells = of.robust.points.iter().map(|point| accuracy(&point.accuracy));
            [Cell::new(&of.model)].into_iter().chain(cells).collect()
        };
        Table { header, rows: self.adversarial.iter().map(row).collect() }
    }

    /// The checks down and the networks across.
    fn masking_table(&self) -> Table {
        let mut tests: Vec<MaskingTest> = Vec::new();
        for check in self.adversarial.iter().flat_map(|of| &of.masking.checks) {
            if !tests.contains(&check.test) {
                tests.push(check.test);
            }
        }
        let names = self.adversarial.iter().map(|of| of.model.clone());
        let header = ["expected".to_owned()].into_iter().chain(names).collect();
        let row = |&test: &MaskingTest| {
            let of_model = |of: &AttackedModel| {
                let check = of.masking.checks.iter().find(|check| check.test == test);
                check.map_or_else(Cell::missing, |check| Cell::new(tried(check, &of.robust.norm)))
            };
            [Cell::new(test.expectation())].into_iter().chain(self.adversarial.iter().map(of_model)).collect()
        };
        Table { header, rows: tests.iter().map(row).collect() }
    }

    fn robust_chart(&self) -> Chart {
        let (unit, levels) = if self.adversarial[0].robust.norm == LINF { ("1/255", 255.0) } else { ("length", 1.0) };
        let x = Axis::with_unit("size of the attack", unit);
        let chart = Chart::new("Top-1 under attack", x, Axis::with_unit("top-1", "%"));
        let line = |of: &AttackedModel| {
            let points = || of.robust.points.iter().map(|point| (levels * point.epsilon, point.accuracy));
            Series::new(&of.model, points().map(|(x, share)| (x, 100.0 * share.value)))
                .with_intervals(points().map(|(x, Share { low, high, .. })| [x, 100.0 * low, 100.0 * high]))
        };
        self.adversarial.iter().map(line).fold(chart, Chart::with)
    }

    fn attention_section(&self) -> Section {
        let first = &self.attention[0].faithfulness;
        let mut tables = vec![("Does attention tell what answers rest on?".to_owned(), self.area_table())];
        tables.push(("Definitions of attention".to_owned(), self.agreement_table()));
        if !self.moved.is_empty() {
            tables.push(("Attention of two networks on the same clips".to_owned(), self.moved_table()));
        }
        let how = format!(
            "Deletion and insertion (Petsiuk et al., BMVC 2018) of frames in the order of attention for the label, against {} \
             a clip, on {} of {} videos; in the place of a frame stands the {}. Areas of the true class's probability over the \
             range of kept frames; gains are over random orders, above 0 where attention tells something.",
            count(first.orders, "random order"),
            first.clips,
            first.available,
            first.replacement
        );
        let charts = self.attention.iter().map(removal_chart).collect();
        Section { title: "attention".into(), captions: vec![how], tables, charts, pictures: self.pictures.clone() }
    }

    fn area_table(&self) -> Table {
        let header = ["model", "deletion", "insertion", "at random", "deletion gains", "insertion gains"];
        let row = |of: &TrustedAttention| {
            let Faithfulness { deletion, insertion, at_random, deletion_gain, insertion_gain, .. } = &of.faithfulness;
            let areas = [deletion, insertion, at_random, deletion_gain, insertion_gain];
            let cells = areas.into_iter().map(|area: &Area| decimal(&area.probability));
            [Cell::new(&of.model)].into_iter().chain(cells).collect()
        };
        Table { header: header.map(str::to_owned).into(), rows: self.attention.iter().map(row).collect() }
    }

    fn agreement_table(&self) -> Table {
        let header = ["definitions", "model", "rank correlation", "attention elsewhere (TV)", "same first frame"];
        let rows = self.attention.iter().flat_map(|of| {
            of.agreement.pairs.iter().map(|pair| {
                vec![
                    Cell::new(format!("{} and {}", pair.first, pair.second)),
                    Cell::new(&of.model),
                    perhaps(pair.rank_correlation.as_ref()),
                    decimal(&pair.total_variation),
                    Cell::new(format!("{} of {}", pair.same_frame, of.agreement.clips)),
                ]
            })
        });
        Table { header: header.map(str::to_owned).into(), rows: rows.collect() }
    }

    fn moved_table(&self) -> Table {
        let header = ["networks", "moved (TV)", "rank correlation", "effective frames before", "after", "gained"];
        let row = |of: &MovedAttention| {
            let moved = &of.moved;
            vec![
                Cell::new(format!("{} to {}", of.first, of.second)),
                decimal(&moved.moved),
                perhaps(moved.rank_correlation.as_ref()),
                decimal(&moved.effective_frames_before),
                decimal(&moved.effective_frames_after),
                decimal(&moved.effective_frames_gained),
            ]
        };
        Table { header: header.map(str::to_owned).into(), rows: self.moved.iter().map(row).collect() }
    }
}

fn attacked(of: &AttackedModel) -> String {
    let (failed, all) = (of.masking.failed().count(), of.masking.checks.len());
    let [natural, last] = [of.robust.points.first(), of.robust.points.last()]
        .map(|point| point.map_or((0.0, 0.0), |point| (point.epsilon, point.accuracy.value)));
    format!(
        "Attacks of {} in {} leave {} {} top-1 of {}; {failed} of {all} checks for masked gradients failed.",
        size(last.0, &of.robust.norm),
        norm(&of.robust.norm),
        of.model,
        percent(last.1),
        percent(natural.1)
    )
}

/// How a check came out, and the top-1 that each of its attacks left.
fn tried(check: &MaskingCheck, norm: &str) -> String {
    let left = |of: &AttackOutcome| {
        // Attacks that differ in nothing but their size are named by it.
        let attack = match check.test {
            MaskingTest::Growth => size(of.epsilon, norm),
            _ => of.attack.clone(),
        };
        format!("{attack} {}", percent(of.accuracy))
    };
    let left: Vec<String> = check.outcomes.iter().map(left).collect();
    format!("{}: {}", if check.passed { "passed" } else { "failed" }, left.join(", "))
}

fn trusted(of: &TrustedAttention) -> String {
    let (gain, model) = (&of.faithfulness.deletion_gain.probability, &of.model);
    let said = match gain {
        _ if of.faithfulness.groups < FEW_GROUPS => {
            format!("Too few groups to say whether the attention of {model} tells which frames its answers rest on")
        }
        gain if gain.low > 0.0 => format!("The attention of {model} tells which frames its answers rest on"),
        gain if gain.high < 0.0 => format!("The attention of {model} points away from the frames its answers rest on"),
        _ => format!("The attention of {model} is not shown to tell which frames its answers rest on"),
    };
    let interval = decimal(gain);
    format!("{said}: deletion gains {} {} over random orders.", interval.text, interval.detail)
}

fn transfer_table(matrix: &TransferMatrix) -> (String, Table) {
    let title = format!(
        "Top-1 on clips crafted on another network, size {} in {}",
        size(matrix.epsilon, &matrix.norm),
        norm(&matrix.norm)
    );
    let header = ["crafted on".to_owned()].into_iter().chain(matrix.networks.iter().cloned()).collect();
    let row = |name: &str, shares: &[Share]| [Cell::new(name)].into_iter().chain(shares.iter().map(accuracy)).collect();
    let rows = [row("nothing", &matrix.natural)].into_iter();
    (
        title,
        Table { header, rows: rows.chain(matrix.rows.iter().map(|of| row(&of.crafted_on, &of.accuracy))).collect() },
    )
}

fn removal_chart(of: &TrustedAttention) -> Chart {
    let Faithfulness { kept, most, least, random, .. } = &of.faithfulness;
    let title = format!("{}: probability of the true class", of.model);
    let line = |name: &str, curve: &FrameCurve| {
        Series::new(name, kept.iter().zip(&curve.probability).map(|(&kept, &value)| (kept as f64, value)))
    };
    Chart::new(title, Axis::new("frames kept"), Axis::new("probability"))
        .with(line("most attended (insertion)", most))
        .with(line("least attended (deletion)", least))
        .with(line("at random", random))
}

/// The name of the norm whose sizes are levels of pixels.
const LINF: &str = "linf";

/// A size as people write it: in 255ths for L∞, as a length for L2.
fn size(epsilon: f64, norm: &str) -> String {
    if norm == LINF { format!("{}/255", rounded(255.0 * epsilon)) } else { rounded(epsilon).to_string() }
}

/// A number to six digits that count: what a product of 255 leaves behind them is rounding.
fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

fn norm(name: &str) -> &str {
    match name {
        LINF => "L\u{221e}",
        "l2" => "L2",
        other => other,
    }
}

fn decimal(of: &Summary) -> Cell {
    Cell::summary(of, 3)
}

fn perhaps(of: Option<&Summary>) -> Cell {
    of.map_or_else(Cell::missing, decimal)
}
