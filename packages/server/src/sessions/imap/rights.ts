// Rights as letters (RFC 4314 §2.1), and as the mailbox service knows them.
import { type RightName, rightBits } from '#services/mailbox'

/** In the order in which they are shown. */
const letters: ReadonlyArray<readonly [letter: string, right: RightName]> = [
  ['r', 'readItems'],
  ['l', 'read'],
  ['i', 'addItems'],
  ['t', 'removeItems'],
  ['e', 'removeItems'],
  ['s', 'modifyItems'],
  ['w', 'modifyItems'],
  ['k', 'createChild'],
  ['x', 'delete'],
  ['p', 'submit'],
  ['a', 'administer'],
]

/** RFC 4314 §2.1.1: obsolete letters stand for what they meant. */
const obsolete: ReadonlyArray<readonly [letter: string, right: RightName]> = [
  ['c', 'createChild'],
  ['d', 'removeItems'],
]

export function shownRights(rights: number): string {
  return letters
    .filter(([, right]) => (rights & rightBits[right]) !== 0)
    .map(([letter]) => letter)
    .join('')
}

/** Renaming has no letter of its own and comes with the right to make mailboxes below. */
export function rightsOfLetters(text: string): number {
  let rights = 0
  for (const [letter, right] of [...letters, ...obsolete]) if (text.includes(letter)) rights |= rightBits[right]
  return (rights & rightBits.createChild) !== 0 ? rights | rightBits.modify : rights
}

/** Letters that are granted together, for LISTRIGHTS. */
export const rightGroups = ['r', 'l', 'ws', 'i', 'et', 'k', 'x', 'p', 'a'] as const
