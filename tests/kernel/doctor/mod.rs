//! What breaks sync without a word, between two directors.

mod found;
mod lost;
mod pair;
mod tapped;
