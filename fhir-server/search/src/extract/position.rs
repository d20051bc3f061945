//! Where a Location is, for `near`. <https://hl7.org/fhir/R4/location.html#positional>

use canonical_model::Value;
use canonical_model::fhirpath::Item;
use canonical_model::json::Number;

use super::Sink;
use crate::catalogue::ParamPlan;
use crate::keys::Aspect;
use crate::limits::{LATITUDE_MAX, LONGITUDE_MAX};

/// The latitude has a row, for a circle lies within a band; the longitude is checked on the candidate. What is
/// no place on earth is near nothing.
pub(super) fn take(sink: &mut Sink<'_>, param: &ParamPlan, item: &Item<'_>) {
    let part = |name: &str| item.value.get(name).and_then(Value::as_number).map(Number::to_f64);
    if let (Some(latitude), Some(longitude)) = (part("latitude"), part("longitude"))
        && latitude.abs() <= LATITUDE_MAX
        && longitude.abs() <= LONGITUDE_MAX
        && sink.has_room()
    {
        let east = sink.hasher.aspect(param.param, &Aspect::Longitude);
        sink.entries.numbers.push((param.param, latitude, latitude));
        sink.entries.beside.numbers.push((east, longitude, longitude));
    }
}
