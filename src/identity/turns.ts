/**
 * Runs jobs of one key one after the other, in order of arrival, and jobs of different keys side by side. Within this process: it
 * keeps its jobs from racing each other to a record, not those of other processes.
 */
export function createTurns(): <T>(key: string, job: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (key, job) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(job)
    // The next in line does not care how this one ended.
    const over: Promise<unknown> = mine
      .catch(() => undefined)
      .finally(() => {
        if (last.get(key) === over) last.delete(key)
      })
    last.set(key, over)
    return mine
  }
}
