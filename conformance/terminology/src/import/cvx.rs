//! CVX: the vaccines of the United States, a line each, as `code|short|full|notes|status|…`, or code and name with a tab
//! between them. <https://www2a.cdc.gov/vaccines/iis/iisstandards/vaccines.asp?rpt=cvx>

use canonical_model::Result;

use super::lines::Lines;
use super::{Source, find, only};
use crate::code_system::{Builder, PropertyKind};

pub(super) fn read(source: &mut dyn Source, builder: &mut Builder) -> Result<()> {
    let name = match only(source) {
        Some(only) => only,
        None => find(source, "cvx.txt", |name| name.to_ascii_lowercase().contains("cvx"))?,
    };
    let input = source.open(&name)?;
    let mut lines = Lines::new(&name, input);
    let mut first = true;
    while let Some(line) = lines.next()? {
        if line.trim().is_empty() {
            continue;
        }
        let delimiter = if line.contains('|') { '|' } else { '\t' };
        let fields: Vec<&str> = line.split(delimiter).map(str::trim).collect();
        let field = |index: usize| fields.get(index).copied().unwrap_or_default();
        let (code, short) = (field(0), field(1));
        let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
        match (is_code && !short.is_empty(), first) {
            // A heading.
            (false, true) => {
                first = false;
                continue;
            }
            (false, false) => {
                return Err(
                    lines.fault("expected a number and a name, with | or a tab between them")
                );
            }
            (true, _) => first = false,
        }
        let place = builder.concept(code)?;
        builder.display(place, short)?;
        let full = field(2);
        if !full.is_empty() && full != short {
            builder.designation(place, "en", ["", "", ""], full)?;
        }
        let status = field(4);
        if !status.is_empty() {
            builder.property(place, "VaccineStatus", PropertyKind::String, status)?;
        }
        if matches!(status, "Inactive" | "Never Active") {
            builder.inactive(place);
        }
    }
    Ok(())
}
