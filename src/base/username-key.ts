/** Longest name that is looked up; a longer one is nobody's. */
export const MAX_USERNAME_LENGTH = 128

/**
 * The one key of an account: look-up, throttle, ban and log all use it, so that no other spelling of a name gets a fresh
 * allowance of guesses (compare CVE-2026-47203).
 *
 * White space around the name goes; then Unicode NFKC, lower case, NFKC again (lower-casing can undo composition). Full-width and
 * ligature spellings fold, look-alikes of other scripts do not: those are other people.
 */
export function usernameKey(username: string): string {
  return username.trim().normalize('NFKC').toLowerCase().normalize('NFKC').trim()
}
