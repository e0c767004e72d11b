import type { XmlElement } from '../../http/xml.ts'
import { Refused } from './refusal.ts'

/** What is wrong with metadata, for who has put it there. */
export interface MetadataProblem {
  readonly message: string
  /** Where, in UTF-16 code units of the text. */
  readonly offset: number
}

/** What one reading has found wrong. */
export interface Problems {
  /** Reading goes on, so that all are told at once; nothing comes of it. */
  note(where: Pick<XmlElement, 'offset'>, message: string): void
  /** Nothing after it can be read. */
  refuse(where: Pick<XmlElement, 'offset'>, message: string): never
}

class Unusable extends Error {}

export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly problems: readonly MetadataProblem[] }

/** Runs a reading; any problem it notes makes nothing of it. */
export function problemsOf<T>(read: (problems: Problems) => T): Outcome<T> {
  const found: MetadataProblem[] = []
  const note: Problems['note'] = ({ offset }, message) => void found.push({ message, offset })
  const refuse: Problems['refuse'] = (where, message) => {
    note(where, message)
    throw new Unusable(message)
  }
  try {
    const value = read({ note, refuse })
    return found.length === 0 ? { kind: 'done', value } : { kind: 'refused', problems: found }
  } catch (caught) {
    if (caught instanceof Refused) note({ offset: 0 }, caught.message)
    else if (!(caught instanceof Unusable)) throw caught
    return { kind: 'refused', problems: found }
  }
}
