/** Session property that says which server spoke for the user (module `trusted`). */
export const ASSERTED_BY = 'assertedBy'
