//! What breaks sync without a word, between two directors.

mod command;
mod found;
mod lost;
mod pair;
mod tapped;
