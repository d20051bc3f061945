//! What is computed: loops, conversions, patterns, quantities, dates.

use super::{PATIENT, computes};

#[test]
fn loops_count_and_gather() {
    computes(
        PATIENT,
        &[
            ("(3 | 4 | 5).where($index > 0)", "integer=4 integer=5"),
            ("(3 | 4 | 5).select($index + $this)", "integer=3 integer=5 integer=7"),
            ("('a' | 'b').exists($index = 1)", "boolean=true"),
            ("(0 | 1 | 2).all($index = $this)", "boolean=true"),
            ("('a' | 'b').select(('c' | 'd').where($index = 0)).count()", "integer=2"),
            ("(1 | 2 | 3).aggregate($this + $total, 0)", "integer=6"),
            ("(1 | 2 | 3).aggregate(iif($total.empty(), $this, $total * $this))", "integer=6"),
            ("{}.aggregate($this, 7)", "integer=7"),
            ("(3 | 1 | 2).sort()", "integer=1 integer=2 integer=3"),
            ("('b' | 'a').sort(-$this)", "string=b string=a"),
            ("name.sort(family).use", "code=usual code=official"),
            ("contact.repeat(name).family", "string=Marché"),
            ("name.repeat('x')", "string=x"),
        ],
    );
}

#[test]
fn texts_are_taken_apart() {
    computes(
        PATIENT,
        &[
            ("'a,b'.split(',')", "string=a string=b"),
            ("'ab'.toChars().join('-')", "string=a-b"),
            ("{}.join(',')", "string="),
            ("'2026-11'.matches('^[0-9]{4}')", "boolean=true"),
            ("'2026-11'.matchesFull('[0-9]{4}')", "boolean=false"),
            ("'ab'.matches({})", ""),
            ("'a1b2'.replaceMatches('[0-9]', '#')", "string=a#b#"),
            ("'a<b'.escape('html')", "string=a&lt;b"),
            ("'a&lt;b'.unescape('html')", "string=a<b"),
            ("'ä'.encode('hex').decode('hex')", "string=ä"),
            ("'ä'.encode('none')", ""),
        ],
    );
}

#[test]
fn one_type_becomes_another() {
    computes(
        PATIENT,
        &[
            ("'1.50'.toDecimal()", "decimal=1.50"),
            ("'-01'.toInteger()", "integer=-1"),
            ("'1.5'.convertsToInteger()", "boolean=false"),
            ("'+.5'.convertsToDecimal()", "boolean=false"),
            ("'2026-02-30'.convertsToDate()", "boolean=false"),
            ("'2026-02-28T10:00Z'.toDate()", "date=2026-02-28"),
            ("@2026-02-28T10:30.toString()", "string=2026-02-28T10:30"),
            ("'25:00'.convertsToTime()", "boolean=false"),
            ("'4 days'.toQuantity() = 4 'd'", "boolean=true"),
            ("4 'g'.toQuantity('mg') = 4000 'mg'", "boolean=true"),
            ("4 'g'.toQuantity('cm')", ""),
            ("'4 dogs'.convertsToQuantity()", "boolean=false"),
            ("4 'mg'.toString()", "string=4 'mg'"),
            ("1.type().name", "string=Integer"),
            ("active.type().namespace", "string=FHIR"),
            ("active.is(System.Boolean) | active.is(boolean)", "boolean=false boolean=true"),
        ],
    );
}

#[test]
fn quantities_and_dates_are_reckoned_with() {
    computes(
        PATIENT,
        &[
            ("(1 'g' + 500 'mg') = 1.5 'g'", "boolean=true"),
            ("1 'g' + 1 'm'", ""),
            ("(6 'm' / 2 's') = 3 'm/s'", "boolean=true"),
            ("(2 'm' * 3 'm') = 6 'm2'", "boolean=true"),
            ("-(4 'mg') = -4 'mg'", "boolean=true"),
            ("37 'Cel' = 310.15 'K'", "boolean=true"),
            ("@2024-02-29 + 1 year", "date=2025-02-28"),
            ("@2024-01-31 + 1 month", "date=2024-02-29"),
            ("@2024-12-31 + 36 hours", "date=2025-01-01"),
            ("@2024-12-31T23:00:00Z + 90 minutes", "dateTime=2025-01-01T00:30:00Z"),
            ("@T23:30 + 1 hour", "time=00:30"),
            ("birthDate - 1 week", "date=1974-12-18"),
            ("@2014 + 25 months", "date=2016"),
            ("@2014.highBoundary(8)", "date=2014-12-31"),
            ("@2014-02.lowBoundary()", "date=2014-02-01"),
            ("1.5.highBoundary(1)", "decimal=1.6"),
            ("(-1.5).highBoundary(0)", "decimal=-1"),
            ("2.sqrt().round(3)", "decimal=1.414"),
            ("2.power(10)", "decimal=1024"),
            ("(-1).sqrt()", ""),
            ("-1.555.round(2)", "decimal=-1.56"),
        ],
    );
}
