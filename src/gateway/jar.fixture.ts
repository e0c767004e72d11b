import type { Answer } from './answer.fixture.ts'

/** What a browser keeps of an answer: names and values, the dead ones dropped. */
export class Jar {
  readonly #cookies = new Map<string, string>()

  keep<T extends Pick<Answer, 'cookies'>>(answer: T): T {
    for (const cookie of answer.cookies) {
      const [pair = ''] = cookie.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (cookie.includes('Max-Age=0')) this.#cookies.delete(name)
      else this.#cookies.set(name, pair)
    }
    return answer
  }

  with(answer: Answer): this {
    this.keep(answer)
    return this
  }

  forget(name: string): void {
    this.#cookies.delete(name)
  }

  get lines(): readonly string[] {
    return this.#cookies.size === 0 ? [] : [`Cookie: ${[...this.#cookies.values()].join('; ')}`]
  }
}
