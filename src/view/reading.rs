//! Reading what someone typed into a field: a number or a sentence about what is wrong with it.

/// A hexadecimal number: groups and `0x` are allowed, and everything of 64 bits.
pub fn hex(text: &str, what: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '_').collect();
    let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(&digits);
    if digits.is_empty() {
        return Err(format!("Write {what} in hexadecimal, as in 8000 1000."));
    }
    match (u64::from_str_radix(digits, 16), digits.bytes().all(|digit| digit.is_ascii_hexdigit())) {
        (Ok(value), true) => Ok(value),
        (Err(_), true) => Err(format!("“{}” has more than 16 hexadecimal digits.", text.trim())),
        (_, false) => Err(format!("“{}” is not hexadecimal: write {what} as in 8000 1000.", text.trim())),
    }
}

/// A count: decimal, or hexadecimal after `0x`.
pub fn count(text: &str, most: u64) -> Result<u64, String> {
    let text = text.trim();
    let value = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    match value {
        Some(value) if value <= most => Ok(value),
        Some(_) => Err(format!("At most {most} fits here.")),
        None => Err(format!("“{text}” is no number: write digits, or 0x and hexadecimal digits.")),
    }
}

/// A signed number.
pub fn signed(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("“{}” is no whole number.", text.trim()))
}

/// Hexadecimal numbers with commas between them, at most `most` of them.
pub fn hex_list(text: &str, what: &str, most: usize) -> Result<Vec<u64>, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > most {
        return Err(format!("At most {most} at a time; these are {}.", parts.len()));
    }
    parts.into_iter().map(|part| hex(part, what)).collect()
}

/// A domain id as the call passes it: a number, `dom0`, or a reserved name.
pub fn domain(text: &str) -> Result<u16, String> {
    match text.trim() {
        "dom0" => Ok(0),
        "DOMID_SELF" => Ok(0x7FF0),
        "DOMID_IO" => Ok(0x7FF1),
        "DOMID_XEN" => Ok(0x7FF2),
        other => match count(other.trim_start_matches("domain").trim(), u64::from(u16::MAX)) {
            Ok(id) => Ok(u16::try_from(id).unwrap_or(u16::MAX)),
            Err(_) => Err(format!("“{other}” is no domain: write its number, or DOMID_SELF, DOMID_IO, DOMID_XEN.")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{count, domain, hex, hex_list, signed};

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(hex("8000 1000", "an address"), Ok(0x8000_1000));
        assert_eq!(hex("0xFFFF_8000_0000_0000", "an address"), Ok(0xFFFF_8000_0000_0000));
        assert_eq!(count("0x1000", u64::MAX), Ok(0x1000));
        assert_eq!(count(" 352 ", 352), Ok(352));
        assert_eq!(signed("-22"), Ok(-22));
        assert_eq!(hex_list("4c0f0, 4c0f1,", "a frame", 4), Ok(vec![0x4_C0F0, 0x4_C0F1]));
        assert_eq!(domain("domain 5"), Ok(5));
        assert_eq!(domain("DOMID_SELF"), Ok(0x7FF0));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        assert_eq!(
            hex("zz", "an address"),
            Err("“zz” is not hexadecimal: write an address as in 8000 1000.".to_owned())
        );
        assert_eq!(hex("", "an address"), Err("Write an address in hexadecimal, as in 8000 1000.".to_owned()));
        assert_eq!(
            hex("10000000000000000", "x"),
            Err("“10000000000000000” has more than 16 hexadecimal digits.".to_owned())
        );
        assert!(hex("+1", "x").is_err() && hex("-1", "x").is_err());
        assert_eq!(count("99", 16), Err("At most 16 fits here.".to_owned()));
        assert_eq!(hex_list("1,2,3", "a ref", 2), Err("At most 2 at a time; these are 3.".to_owned()));
        assert!(domain("70000").is_err() && domain("five").is_err());
    }
}
