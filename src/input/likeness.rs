//! What the bytes of a text look like that fits none of the encodings that are found out.

use std::fmt;

use encoding_rs::MACINTOSH;

use super::Encoding;

/// What a text seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// An encoding that is read where it is named.
    Encoding(Encoding),
    /// A western code page of MS-DOS, which is not read.
    Dos,
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(encoding) => encoding.fmt(f),
            Self::Dos => f.write_str("MS-DOS text (code page 850 or 437), which is not read"),
        }
    }
}

/// The upper half of code page 850. Its letters stand where code page 437 has them, as far as that has any.
const CODE_PAGE_850: [&str; 4] = [
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}",
];

/// What these bytes are, if they are words of a language of western Europe as MS-DOS or the old Macintosh wrote them, and not
/// rather the other one's.
pub(super) fn old_western(sample: &[u8]) -> Option<Likeness> {
    let upper: Vec<char> = CODE_PAGE_850.iter().flat_map(|part| part.chars()).collect();
    let of_dos = |byte: &u8| match byte.checked_sub(0x80) {
        Some(above) => upper.get(usize::from(above)).copied().unwrap_or('\u{fffd}'),
        None => char::from(*byte),
    };
    let dos = oddities(&sample.iter().map(of_dos).collect::<Vec<_>>());
    let (macintosh, _) = MACINTOSH.decode_without_bom_handling(sample);
    let macintosh = oddities(&macintosh.chars().collect::<Vec<_>>());
    let all = sample.iter().filter(|byte| !byte.is_ascii()).count();
    let fits = |odd: usize, other: usize| odd * 8 <= all && odd < other;
    if fits(dos, macintosh) {
        Some(Likeness::Dos)
    } else if fits(macintosh, dos) {
        Some(Likeness::Encoding(Encoding::of(MACINTOSH)))
    } else {
        None
    }
}

/// So many characters in a row are no accident.
const RUN: usize = 12;

/// Whether a part of a text that was read as two bytes a character is rather text of one byte a character: a run of
/// characters both of whose bytes are ASCII, most of them small letters, with the end of a line or an address among them.
pub(super) fn is_of_one_byte(text: &str) -> bool {
    if text.is_ascii() || text.len() < 3 * RUN {
        return false;
    }
    let is_text = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let (mut run, mut letters, mut is_row) = (0, 0, false);
    for character in text.chars() {
        let bytes = u16::try_from(u32::from(character)).unwrap_or_default().to_be_bytes();
        if !bytes.iter().all(is_text) {
            (run, letters, is_row) = (0, 0, false);
            continue;
        }
        run += 1;
        letters += bytes.iter().filter(|byte| byte.is_ascii_lowercase()).count();
        is_row |= bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | b'@'));
        if run >= RUN && is_row && letters >= run {
            return true;
        }
    }
    false
}

/// How many characters beyond ASCII stand where no word has them: no letters, capitals inside a word, or small letters
/// with a capital behind them.
fn oddities(text: &[char]) -> usize {
    let around = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        (before.copied().unwrap_or(' '), text.get(at + 1).copied().unwrap_or(' '))
    };
    let is_odd = |at: usize, character: char| {
        let (before, after) = around(at);
        let stands_alone = !before.is_alphabetic() && !after.is_alphabetic();
        let is_inside = before.is_lowercase() || (before.is_alphabetic() && after.is_lowercase());
        let is_misplaced = if character.is_uppercase() { is_inside } else { after.is_uppercase() };
        let is_letter = character.is_alphabetic() && !matches!(character, 'ƒ' | 'ª' | 'º' | 'ı');
        !is_letter || stands_alone || is_misplaced
    };
    text.iter()
        .enumerate()
        .filter(|(at, character)| !character.is_ascii() && is_odd(*at, **character))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "Jörg Müller;Zoë Größe;Änne Özdemir;René Lefèvre;Muñoz;Strauß;Käthe Bäcker";

    fn dos(text: &str) -> Vec<u8> {
        let upper: Vec<char> = CODE_PAGE_850.concat().chars().collect();
        let byte = |c: char| match upper.iter().position(|known| *known == c) {
            Some(at) => 0x80 + u8::try_from(at).unwrap(),
            None => u8::try_from(c).unwrap(),
        };
        text.chars().map(byte).collect()
    }

    #[test]
    fn the_code_page_is_whole() {
        assert_eq!(CODE_PAGE_850.concat().chars().count(), 128);
    }

    #[test]
    fn names_of_western_europe_are_told_apart() {
        let macintosh = MACINTOSH.encode(NAMES).0;
        assert_eq!(old_western(&dos(NAMES)), Some(Likeness::Dos));
        assert_eq!(old_western(&macintosh), Some(Likeness::Encoding(Encoding::of(MACINTOSH))));
        for name in ["Jürgen", "Müller", "Käthe", "René", "Strauß"] {
            assert_eq!(old_western(&dos(name)), Some(Likeness::Dos), "{name}");
        }
    }

    #[test]
    fn rows_of_one_byte_a_character_are_seen_among_two() {
        let read = |bytes: &[u8]| {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        };
        for rows in
            ["a@example.com,Messaging\r\nb@example.com,Messaging\r\n", "barney@example.com,Meetings Suite"]
        {
            assert!(is_of_one_byte(&read(rows.as_bytes())), "{rows}");
            assert!(is_of_one_byte(&format!("a note{}", read(rows.as_bytes()))), "{rows}");
        }
        for text in [
            "漢字を使う日本語の文章は普通の文字である",
            "王小明在销售部工作已经有很多年了吗是的没错",
            "Zoë in Sales, and many others",
        ] {
            assert!(!is_of_one_byte(text), "{text}");
        }
    }

    #[test]
    fn other_scripts_are_neither() {
        for (label, text) in [
            ("shift_jis", "山田 太郎;テスト;スズキ イチロー;営業部"),
            ("windows-1251", "Анна Каренина;Иван Петров"),
            ("koi8-r", "Анна Каренина;Иван Петров"),
            ("gbk", "王小明;销售部"),
            ("windows-1253", "Γιώργος Παπαδόπουλος"),
        ] {
            let encoding: Encoding = label.parse().unwrap();
            assert_eq!(old_western(&encoding.encode(text)), None, "{label}");
        }
    }
}
