//! A plan as people read it.

use super::{Before, Plan, Step};
use crate::{Change, ServiceKey};
use std::collections::BTreeMap;
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_key: BTreeMap<Option<ServiceKey>, Vec<&Step>> = BTreeMap::new();
        for step in &self.steps {
            by_key.entry(step.change.key()).or_default().push(step);
        }
        for (key, mut steps) in by_key {
            // The service first, then its destinations.
            steps.sort_by_key(|step| step.change.endpoint());
            let has_service = steps.first().is_some_and(|step| step.change.endpoint().is_none());
            if let (Some(key), false) = (key, has_service) {
                writeln!(f, "  {key}")?;
            }
            for step in steps {
                step.fmt(f)?;
            }
        }
        for step in &self.withheld {
            writeln!(f, "! withheld: {}", step.change)?;
        }
        Ok(())
    }
}

/// One or more lines of the difference.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.change, &self.before) {
            (Change::AddService(after), _) => writeln!(f, "+ {after}"),
            (Change::AddDestination(_, after), _) => writeln!(f, "+   {after}"),
            (Change::EditService(after), Before::Service(before)) => {
                writeln!(f, "~ {before} -> {after}")
            }
            (Change::EditDestination(_, after), Before::Destination(before)) => {
                writeln!(f, "~   {before} -> {after}")
            }
            (Change::DeleteDestination(..), Before::Destination(before)) => {
                writeln!(f, "-   {before}")
            }
            (Change::DeleteService(_), Before::Whole(before, destinations)) => {
                writeln!(f, "- {before}")?;
                for destination in destinations {
                    writeln!(f, "-   {destination}")?;
                }
                Ok(())
            }
            (Change::SetTimeouts(after), Before::Timeouts(Some(before))) => {
                writeln!(f, "~ timeouts {before} -> {after}")
            }
            (change, _) => writeln!(f, "~ {change}"),
        }
    }
}
