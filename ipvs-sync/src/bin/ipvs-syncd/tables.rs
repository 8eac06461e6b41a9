//! What the configuration says of the table of IPVS, and how the kernel gets it.

use ipvs::transport::Transport;
use ipvs::{Client, Error, Plan, Recovery, Table, TableError, Timeouts};

/// Adds the services and timeouts of a table to another, which must not have them.
pub(crate) fn add(whole: &mut Table, table: &Table) -> Result<(), TableError> {
    for entry in table.services() {
        let key = entry.service().key();
        whole.add_service(*entry.service())?;
        if let Some(name) = entry.name() {
            whole.name_service(&key, name)?;
        }
        for destination in entry.destinations() {
            whole.add_destination(&key, *destination)?;
        }
    }
    if table.timeouts() != Timeouts::default() {
        whole.set_timeouts(table.timeouts())?;
    }
    Ok(())
}

/// Makes the kernel's table the wanted one, or leaves it as it was. Returns how many
/// changes that took.
pub(crate) fn apply<T: Transport>(client: &mut Client<T>, wanted: &Table) -> Result<usize, Error> {
    let plan = Plan::between(&client.full_snapshot()?, wanted);
    let changes = plan.steps().len();
    client.apply(&plan, Recovery::RollBack)?.into_result()?;
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs::fake::Kernel;

    fn table(address: &str) -> Table {
        let text = format!(
            "[[service]]\nkey = \"tcp {address}:80\"\nname = \"{address}\"\n\
             [[service.destination]]\nendpoint = \"192.168.0.1:80\"\n"
        );
        Table::from_toml(&text).unwrap()
    }

    #[test]
    fn the_kernel_gets_what_all_files_say_and_nothing_else() {
        let mut client = Kernel::new().client().unwrap();
        let (mut both, one) = (table("10.0.0.1"), table("10.0.0.2"));
        add(&mut both, &one).unwrap();
        assert_eq!(apply(&mut client, &both).unwrap(), 4);
        assert_eq!(apply(&mut client, &both).unwrap(), 0);
        assert_eq!(apply(&mut client, &one).unwrap(), 1);
        let left = client.snapshot().unwrap();
        let keys: Vec<String> =
            left.services().map(|s| s.entry.service.key().to_string()).collect();
        assert_eq!(keys, ["tcp 10.0.0.2:80"]);
    }

    #[test]
    fn a_service_is_in_one_file() {
        let mut whole = table("10.0.0.1");
        let twice = add(&mut whole, &table("10.0.0.1")).unwrap_err();
        assert_eq!(twice.to_string(), "service tcp 10.0.0.1:80: given already");
    }
}
