//! The table of an experiment as Markdown and as a page.

mod html;
mod markdown;
mod tables;
