/** The largest `long` of Java: until which a decision counts that no clock changes. */
export const LONG_MAX = 9_223_372_036_854_775_807n

declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/#sec-json.rawjson */
    rawJSON(text: string): object
  }
}

/** For `JSON.stringify`: all digits of a number that a double would round up, beyond what a `long` holds. */
export function asNumber(value: bigint): object {
  return JSON.rawJSON(String(value))
}
