import { z } from 'zod'

/** What may come back for one callback. Plain data: it travels with the login. */
export type Expected =
  | { readonly kind: 'text' }
  /** What script fills in: its id, with which it is sent, counts as nothing. */
  | { readonly kind: 'hidden'; readonly id: string }
  | { readonly kind: 'box' }
  /** The index of one of these, which is the answer. */
  | { readonly kind: 'answer'; readonly values: readonly string[] }
  /** 0 to answer this step, else the place of a module to choose, counted from 1. */
  | { readonly kind: 'way'; readonly values: readonly string[] }
  /** Something to be seen; what comes back with it is nothing. */
  | { readonly kind: 'shown' }

export type Answers =
  | { readonly kind: 'read'; readonly answers: readonly string[]; readonly choose: string | undefined }
  | { readonly kind: 'refused'; readonly message: string }

/** Inputs are numbered as in OpenAM: by the place of the callback among all of them, those that ask nothing counted in. */
export function inputName(index: number): string {
  return `IDToken${index + 1}`
}

const LONGEST_VALUE = 12_000
const MOST_CALLBACKS = 30

const inputSchema = z.object({
  name: z.string().max(64),
  value: z.union([z.string().max(LONGEST_VALUE), z.number(), z.boolean()]),
})
const callbacksSchema = z.array(z.object({ input: z.array(inputSchema).max(2).default([]) })).max(MOST_CALLBACKS)

type Value = z.infer<typeof inputSchema>['value']

/**
 * What a client answers to the callbacks that it was sent. It sends them back whole; nothing but the inputs is looked at, and all of
 * them, no other and each once, have to be there.
 */
export function readAnswers(sent: unknown, expected: readonly (Expected | null)[]): Answers {
  const read = callbacksSchema.safeParse(sent)
  if (!read.success) return refused('callbacks: send those of the step back, with the values of their inputs')
  const inputs = read.data.flatMap(({ input }) => input)
  const values = new Map(inputs.map(({ name, value }) => [name, value]))
  if (values.size < inputs.length) return refused('callbacks: an input is there twice')
  const known = new Set(expected.flatMap((each, index) => namesOf(each, index)))
  const stranger = inputs.find(({ name }) => !known.has(name))
  if (stranger !== undefined) return refused(`callbacks: this step has no input of the name ${nameOf(stranger.name)}`)
  return collect(values, expected)
}

function collect(values: ReadonlyMap<string, Value>, expected: readonly (Expected | null)[]): Answers {
  const answers: string[] = []
  let choose: string | undefined
  for (const [index, each] of expected.entries()) {
    if (each === null || each.kind === 'shown') continue
    const name = inputName(index)
    const value = values.get(name)
    if (value === undefined) return refused(`${name}: the input is missing`)
    const answer = answerTo(each, value)
    if (answer === undefined) return refused(`${name}: ${wanted(each)}`)
    if (each.kind === 'way') choose = answer === '' ? undefined : answer
    else answers.push(answer)
  }
  return { kind: 'read', answers, choose }
}

/** `undefined` for what cannot be one. */
function answerTo(expected: Exclude<Expected, { readonly kind: 'shown' }>, value: Value): string | undefined {
  switch (expected.kind) {
    case 'text':
      return typeof value === 'string' ? value : undefined
    case 'hidden':
      return typeof value !== 'string' ? undefined : value === expected.id ? '' : value
    case 'box':
      return ['true', 'false'].includes(String(value)) ? String(value) : undefined
    case 'answer':
      return expected.values[indexOf(value)]
    case 'way':
      return indexOf(value) === 0 ? '' : expected.values[indexOf(value) - 1]
  }
}

/** -1 for what is no index. */
function indexOf(value: Value): number {
  return /^\d{1,3}$/.test(String(value)) ? Number(value) : -1
}

function wanted(expected: Expected): string {
  switch (expected.kind) {
    case 'text':
    case 'hidden':
      return 'the value has to be a text'
    case 'box':
      return 'the value has to be true or false'
    case 'answer':
    case 'way':
    case 'shown':
      return 'the value has to be the index of one of the choices'
  }
}

function namesOf(expected: Expected | null, index: number): readonly string[] {
  if (expected === null) return []
  const name = inputName(index)
  return expected.kind === 'box' ? [name, `${name}validateOnly`] : [name]
}

/** As much of a name as a message may repeat. */
function nameOf(text: string): string {
  return /^[\w-]{1,32}$/.test(text) ? text : 'that was sent'
}

function refused(message: string): Answers {
  return { kind: 'refused', message }
}
