//! The operations that are offered: each with its definition, from which the statement is made as well.
//! <https://hl7.org/fhir/R4/operations.html>

use std::sync::LazyLock;

use conformance::operation::{On, Operation, Parameter};
use domain::operations::Operation as Terminology;

/// All of them. Where each is invoked is in `routes`.
pub(crate) static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let own = of_record().into_iter().chain([validate(), release()]);
    own.chain(Terminology::ALL.map(of_terminology)).collect()
});

/// FHIR's own, of every type.
fn validate() -> Operation {
    Operation {
        code: "validate",
        title: "Whether a resource is right",
        description: "Judges what is sent, or what is stored, by R4 and by profiles. Nothing is written.",
        on: On::Every,
        system: false,
        of_type: true,
        of_instance: true,
        affects_state: false,
        standard: Some("http://hl7.org/fhir/OperationDefinition/Resource-validate"),
        parameters: vec![
            Parameter::taken(
                "resource",
                "Resource",
                "What is to be judged; without it, what is stored.",
            ),
            Parameter::taken(
                "mode",
                "code",
                "create, update, delete or profile: what it is to be used for.",
            ),
            Parameter::taken(
                "profile",
                "uri",
                "A profile to judge it by, besides those that it claims.",
            )
            .many(),
            Parameter::given(
                "return",
                "OperationOutcome",
                "What is wrong, and what was not checked.",
            ),
        ],
    }
}

/// Of what was kept aside for its faults.
fn release() -> Operation {
    Operation {
        code: "release",
        title: "Release what is kept aside",
        description: "Does what was asked for and kept aside for its faults, and completes the Task that keeps it, in one transaction.",
        on: On::Types(&["Task"]),
        system: false,
        of_type: false,
        of_instance: true,
        affects_state: true,
        standard: None,
        parameters: vec![Parameter::given(
            "return",
            "Bundle",
            "The answer of the transaction; its last entry is the Task.",
        )],
    }
}

/// What is asked of the record of accesses.
fn of_record() -> [Operation; 3] {
    let of_patient = |code, title, description| Operation {
        code,
        title,
        description,
        on: On::Types(&["Patient"]),
        system: false,
        of_type: false,
        of_instance: true,
        affects_state: false,
        standard: None,
        parameters: vec![AGENT, DATE, ACTION, OUTCOME, COUNT, EVENTS],
    };
    let journal = of_patient(
        "journal",
        "Record of accesses",
        "The record of accesses, newest first, as AuditEvents made of it. For auditors, and for patients of themselves.",
    );
    let report = of_patient(
        "access-report",
        "Access report",
        "Who has seen a patient's data, newest first, as AuditEvents. For the patient, whoever stands for the patient, and auditors.",
    );
    let disclosures = of_patient(
        "accounting-of-disclosures",
        "Accounting of disclosures",
        "To whom a patient's data was disclosed for other purposes than treatment, payment and operations: in six years, unless a period is asked for.",
    );
    let mut parameters = journal.parameters.clone();
    parameters.insert(0, PATIENT);
    let on = On::Types(&["AuditEvent"]);
    [
        Operation { on, of_type: true, of_instance: false, parameters, ..journal },
        report,
        disclosures,
    ]
}

/// FHIR's own, with the parameters that are honoured here.
fn of_terminology(known: Terminology) -> Operation {
    let (title, on, of_instance, answer) = match known {
        Terminology::Lookup => ("Look a code up", "CodeSystem", false, "Parameters"),
        Terminology::ValidateCodeInSystem => {
            ("Whether a code is of a system", "CodeSystem", true, "Parameters")
        }
        Terminology::Subsumes => {
            ("Whether a code is above another", "CodeSystem", true, "Parameters")
        }
        Terminology::Expand => ("The codes of a value set", "ValueSet", true, "ValueSet"),
        Terminology::ValidateCodeInSet => {
            ("Whether a code is in a value set", "ValueSet", true, "Parameters")
        }
        Terminology::Translate => ("A code in other words", "ConceptMap", true, "Parameters"),
    };
    let on = match on {
        "CodeSystem" => On::Types(&["CodeSystem"]),
        "ValueSet" => On::Types(&["ValueSet"]),
        _ => On::Types(&["ConceptMap"]),
    };
    let taken = known.taken().map(|it| {
        let parameter = Parameter::taken(it.name, it.kind, "As FHIR defines it.");
        if it.many { parameter.many() } else { parameter }
    });
    let answer = Parameter::given("return", answer, "As FHIR defines it.");
    Operation {
        code: known.name(),
        title,
        description: "As FHIR defines it, with the parameters that are listed; others are refused by their names.",
        on,
        system: false,
        of_type: true,
        of_instance,
        affects_state: false,
        standard: Some(known.definition()),
        parameters: taken.chain([answer]).collect(),
    }
}

const PATIENT: Parameter =
    Parameter::taken("patient", "string", "The id of the patient whom an access was about.");
const AGENT: Parameter =
    Parameter::taken("agent", "string", "A person, as Practitioner/7, or a client's id.");
const DATE: Parameter = Parameter::taken(
    "date",
    "string",
    "A date or an instant, with ge, gt, le, lt or eq before it.",
)
.many();
const ACTION: Parameter =
    Parameter::taken("action", "string", "Some of C, R, U, D and E, with commas between them.");
const OUTCOME: Parameter =
    Parameter::taken("outcome", "string", "Some of 0, 4 and 8, with commas between them.");
const COUNT: Parameter = Parameter::taken("_count", "positiveInt", "So many events a page.");
const EVENTS: Parameter = Parameter::given(
    "return",
    "Bundle",
    "A searchset of AuditEvents, with a link to the next page.",
);

/// The operation whose definition has this id.
pub(crate) fn defined(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.id() == id)
}
