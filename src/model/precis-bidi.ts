// The Bidi Rule (RFC 5893 §2) for strings of the PRECIS IdentifierClass.
//
// How directionality is derived: the engine has no escape for Bidi_Class. Within the IdentifierClass the class
// follows from the General_Category and the block, as UAX 9 assigns it: Mn is NSM; a letter, digit or spacing mark
// in a right-to-left block is R or AL (the rule never tells them apart); the Arabic-Indic and kindred digits are
// AN; ASCII and extended Arabic-Indic digits EN; ASCII punctuation ES, CS, ET or ON; the few neutral modifier
// letters and the joiners ON (BN, which the rule treats alike); all else L. This was compared with Bidi_Class of
// Unicode 14.0 for every character of the IdentifierClass; others are never asked about.

type BidiClass = 'l' | 'r' | 'an' | 'en' | 'nsm' | 'neutral'

const rightToLeftBlocks = /^[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]$/u
const anyRightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u
const nonspacingMark = /^\p{Mn}$/u
const leftToRightMark = /^[\u0cbf\u0cc6\u{11a07}\u{11a08}\u{11c3f}]$/u // the marks that are L all the same
const arabicNumber = /^[\u0660-\u0669\u{10d30}-\u{10d39}\u{10d40}-\u{10d49}]$/u
const europeanNumber = /^[0-9\u06f0-\u06f9\u{1fbf0}-\u{1fbf9}]$/u
const neutral =
  /^[!-/:-@[-`{-~\u00b7\u02b9\u02ba\u02c6-\u02cf\u02ec\u0375\u200c\u200d\u2e2f\u30fb\ua67f\ua717-\ua721\ua788]$/u

/** True when `text` holds no right-to-left character, or satisfies all six conditions. */
export function satisfiesBidiRule(text: string): boolean {
  if (!anyRightToLeft.test(text)) return true
  const classes = Array.from(text, bidiClass)
  if (!classes.includes('r') && !classes.includes('an')) return true // RFC 8265 §3.3.1 rule 5
  const last = classes[classes.findLastIndex((one) => one !== 'nsm')]
  switch (classes[0]) {
    case 'r':
      if (classes.includes('l')) return false // condition 2
      if (last !== 'r' && last !== 'en' && last !== 'an') return false // condition 3
      return !(classes.includes('en') && classes.includes('an')) // condition 4
    case 'l':
      return false // condition 5: an R, AL or AN is present
    default:
      return false // condition 1
  }
}

function bidiClass(character: string): BidiClass {
  if (nonspacingMark.test(character)) return leftToRightMark.test(character) ? 'l' : 'nsm'
  if (europeanNumber.test(character)) return 'en'
  if (arabicNumber.test(character)) return 'an'
  if (neutral.test(character)) return 'neutral'
  return rightToLeftBlocks.test(character) ? 'r' : 'l'
}
