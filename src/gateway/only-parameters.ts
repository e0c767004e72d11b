/** Reads parameters of a query. One that occurs twice is none: two readers would pick different ones. */
export function onlyParameters(query: string | undefined): (name: string) => string | undefined {
  const parameters = new URLSearchParams(query ?? '')
  return (name) => {
    const values = parameters.getAll(name)
    return values.length === 1 ? values[0] : undefined
  }
}
